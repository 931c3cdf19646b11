package mailtest

import (
	"bytes"
	"errors"
	"io"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// session is one connection.
type session struct {
	*Server
	conn *smtp.Conn
	mail Mail
}

// at carries out what the script has for a step.
func (s *session) at(step Step) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.script) == 0 || s.script[0].At != step {
		return nil
	}
	f := s.script[0]
	s.script = s.script[1:]
	if f.Say == nil {
		s.conn.Conn().Close()
		return errors.New("cut")
	}
	return f.Say
}

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if err := s.at(Auth); err != nil {
			return err
		}
		if user != s.user || password != s.password {
			return smtp.ErrAuthFailed
		}
		s.mail.User = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.password != "" && s.mail.User == "" {
		return smtp.ErrAuthRequired
	}
	s.mail.From, s.mail.To = from, nil
	return s.at(From)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = append(s.mail.To, to)
	return s.at(To)
}

func (s *session) Data(r io.Reader) error {
	var data bytes.Buffer
	if _, err := data.ReadFrom(r); err != nil { // to its end, or the client may not get it all out
		return err
	}
	if err := s.at(Data); err != nil {
		return err
	}
	s.mail.Data = data.Bytes()
	s.mu.Lock()
	s.mails = append(s.mails, s.mail)
	s.mu.Unlock()
	return s.at(Arrived)
}

// Reset comes after the answer to DATA, and with RSET.
func (s *session) Reset() {
	if s.mail.Data != nil {
		_ = s.at(Over) // there is nobody to tell
	}
}

func (s *session) Logout() error { return nil }
