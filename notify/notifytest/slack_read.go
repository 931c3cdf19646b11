package notifytest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// pageSize is small, so that everybody who reads has to turn pages. Slack, too, may
// give fewer than it is asked for.
const pageSize = 2

// history lists what stands in a channel outside of threads, newest first.
func (s *Slack) history(w http.ResponseWriter, r *http.Request) {
	said := s.said(r, func(m Message) bool { return m.Form["thread_ts"] == "" })
	slices.Reverse(said)
	answerPage(w, r, said)
}

// replies lists a thread, its root first.
func (s *Slack) replies(w http.ResponseWriter, r *http.Request) {
	root := r.FormValue("ts")
	answerPage(w, r, s.said(r, func(m Message) bool { return m.TS == root || m.Form["thread_ts"] == root }))
}

func (s *Slack) said(r *http.Request, wanted func(Message) bool) []Message {
	var out []Message
	for _, m := range s.Messages() {
		if m.Channel == r.FormValue("channel") && m.TS > r.FormValue("oldest") && wanted(m) {
			out = append(out, m)
		}
	}
	return out
}

func answerPage(w http.ResponseWriter, r *http.Request, said []Message) {
	from, _ := strconv.Atoi(r.FormValue("cursor")) // none is the first page
	to, next := min(len(said), from+pageSize), ""
	if to < len(said) {
		next = strconv.Itoa(to)
	}
	list := []map[string]any{}
	for _, m := range said[min(from, to):to] {
		list = append(list, answerMessage(m, r.FormValue("include_all_metadata") == "1"))
	}
	reply(w, map[string]any{
		"ok": true, "messages": list, "has_more": next != "", "response_metadata": map[string]any{"next_cursor": next},
	})
}

func answerMessage(m Message, metadata bool) map[string]any {
	out := map[string]any{"type": "message", "ts": m.TS, "text": m.Text}
	if metadata && len(m.Metadata) > 0 {
		out["metadata"] = m.Metadata
	}
	var files []map[string]any
	for name, size := range m.Files {
		files = append(files, map[string]any{"id": "F" + name, "name": name, "size": size})
	}
	if files != nil {
		out["files"] = files
	}
	return out
}

// Channel is how the bot stands to a channel.
type Channel struct{ Outside, Private, Archived bool }

// info shows a channel; a private one only to those who are in it.
func (s *Slack) info(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("channel")
	c, seen := s.Channels[id]
	if s.Channels != nil && !seen || c.Private && c.Outside {
		refuse(w, "channel_not_found")
		return
	}
	reply(w, map[string]any{"ok": true, "channel": map[string]any{"id": id, "is_member": !c.Outside, "is_private": c.Private, "is_archived": s.isArchived(id)}})
}

// member finds a user by e-mail address.
func (s *Slack) member(w http.ResponseWriter, r *http.Request) {
	id, ok := s.Members[r.FormValue("email")]
	if !ok {
		refuse(w, "users_not_found")
		return
	}
	reply(w, map[string]any{"ok": true, "user": map[string]any{"id": id}})
}

// open opens the direct message with a user, always the same one.
func (s *Slack) open(w http.ResponseWriter, r *http.Request) {
	reply(w, map[string]any{"ok": true, "channel": map[string]any{"id": "D" + cmp.Or(r.FormValue("users"), "0")}})
}

// upload is a file on its way: nobody sees it before it is shared.
type upload struct {
	name   string
	offer  int // bytes
	length int // bytes that came
}

// offer gives the address for a file, on the host that was asked.
func (s *Slack) offer(w http.ResponseWriter, r *http.Request) {
	size, _ := strconv.Atoi(r.FormValue("length"))
	if size < 1 || r.FormValue("filename") == "" {
		refuse(w, "invalid_arguments")
		return
	}
	s.mu.Lock()
	id := "F" + strconv.Itoa(len(s.uploads)+1)
	if s.uploads == nil {
		s.uploads = map[string]*upload{}
	}
	s.uploads[id] = &upload{name: r.FormValue("filename"), offer: size, length: -1}
	s.mu.Unlock()
	scheme := "http://"
	if r.Host == "slack.com" {
		scheme = "https://"
	}
	reply(w, map[string]any{"ok": true, "file_id": id, "upload_url": scheme + r.Host + "/upload/" + id})
}

func (s *Slack) receive(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("file")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	file.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[r.URL.Path[len("/upload/"):]]
	if u == nil || int(header.Size) != u.offer {
		http.Error(w, "not the file that was announced", http.StatusBadRequest)
		return
	}
	u.length = int(header.Size)
}

// share posts files that came, with the title of each.
func (s *Slack) share(w http.ResponseWriter, r *http.Request) {
	var files []struct{ ID, Title string }
	err := json.Unmarshal([]byte(r.FormValue("files")), &files)
	m := Message{
		Channel: r.FormValue("channel_id"), Files: map[string]int{}, Form: map[string]string{"thread_ts": r.FormValue("thread_ts")},
	}
	s.mu.Lock()
	for _, f := range files {
		if u := s.uploads[f.ID]; u != nil && u.length >= 0 {
			m.Files[u.name] = u.length
		}
	}
	s.mu.Unlock()
	if err != nil || len(files) == 0 || len(m.Files) < len(files) {
		refuse(w, "file_not_found")
		return
	}
	s.post(m)
	reply(w, map[string]any{"ok": true, "files": files})
}
