package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// man is for those who make packages, and hidden from all others.
func (c *cli) man() *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual as pages for man(1)",
		Long: `man writes a page of section 1 for every command, and a page of section 7 for every topic
of the manual. The date of the pages is that of the commit, or else today.`,
		Example: `  tokenaudit man /usr/local/share/man`,
		Hidden:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("%s needs one folder; see %[1]s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return writeManPages(cmd.Root(), args[0]) },
	}
}

func writeManPages(root *cobra.Command, folder string) error {
	at, err := time.Parse(time.RFC3339, thisBuild().Date)
	if err != nil {
		at = time.Now()
	}
	header := doc.GenManHeader{Date: &at, Source: "tokenaudit " + version, Manual: "tokenaudit"}
	root.DisableAutoGenTag = true
	for _, section := range []string{"man1", "man7"} {
		if err := os.MkdirAll(filepath.Join(folder, section), 0o755); err != nil {
			return err
		}
	}
	if err := doc.GenManTree(root, &header, filepath.Join(folder, "man1")); err != nil {
		return err
	}
	var names []string
	for _, topic := range root.Commands() {
		if !topic.IsAdditionalHelpTopicCommand() {
			continue
		}
		name := "tokenaudit-" + topic.Name()
		names = append(names, `\fB`+name+`(7)\fP`)
		if err := os.WriteFile(filepath.Join(folder, "man7", name+".7"), topicPage(topic, header), 0o644); err != nil {
			return err
		}
	}
	return addTopics(filepath.Join(folder, "man1", "tokenaudit.1"), names)
}

// addTopics lists on the first page what GenManTree leaves out.
func addTopics(path string, names []string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page = append(page, "\n.SH TOPICS\n"+strings.Join(names, ", ")+"\n"...)
	return os.WriteFile(path, page, 0o644)
}

// topicPage is the text of a topic, without the title that the head of the page has.
func topicPage(topic *cobra.Command, header doc.GenManHeader) []byte {
	var text bytes.Buffer
	topic.SetOut(&text)
	_ = topic.Help() // it only writes
	_, body, _ := strings.Cut(text.String(), "\n")
	name := "tokenaudit-" + topic.Name()
	head := fmt.Sprintf("%% %q %q %q %q %q\n# NAME\n%s - %s\n\n# DESCRIPTION\n", strings.ToUpper(name), "7", header.Date.Format("Jan 2006"), header.Source, header.Manual, name, topic.Short)
	return md2man.Render([]byte(head + body + "\n# SEE ALSO\n**tokenaudit(1)**\n"))
}
