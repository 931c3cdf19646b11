package main

import (
	"embed"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tokenaudit/configs/setting"
)

// manual has a page for each help topic. Its first line is "# TOPIC: what it is about".
//
//go:embed help/*.md
var manual embed.FS

// comment is a line for those who write the manual.
var comment = regexp.MustCompile(`(?m)^<!--.*-->\n`)

// topics are the pages of the manual as cobra's additional help topics: commands
// that run nothing.
func topics() []*cobra.Command {
	pages, err := manual.ReadDir("help")
	if err != nil {
		panic(err) // it is embedded
	}
	var all []*cobra.Command
	for _, page := range pages {
		text, err := manual.ReadFile(path.Join("help", page.Name()))
		if err != nil {
			panic(err)
		}
		title, _, _ := strings.Cut(string(text), "\n")
		name, short, _ := strings.Cut(strings.TrimPrefix(title, "# "), ": ")
		topic := &cobra.Command{Use: name, Short: short}
		shown := comment.ReplaceAllString(string(text), "")
		topic.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _, _ = io.WriteString(cmd.OutOrStdout(), shown) })
		all = append(all, topic)
	}
	return all
}

func (c *cli) help() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND or TOPIC]",
		Short: "Explain a command, or a topic of the manual",
		Example: `  tokenaudit help run
  tokenaudit help evidence`,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			switch {
			case err != nil:
				return usageError{err}
			case len(rest) > 0 && found.HasSubCommands():
				return usagef("no help on %q, %s", rest[0], didYouMean(found, rest[0]))
			}
			found.InitDefaultHelpFlag() // so that it is among the flags
			return found.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			found, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, child := range found.Commands() {
				if !child.Hidden && strings.HasPrefix(child.Name(), begun) {
					names = append(names, cobra.CompletionWithDesc(child.Name(), child.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// helpWidth is that of the help of commands, which every terminal shows.
const helpWidth = 80

// fitHelp breaks the texts of a command and those below it into lines of that width. Lines
// that are indented or part of a list stay as they are.
func fitHelp(cmd *cobra.Command) {
	var lines []string
	paragraph := ""
	end := func() {
		if paragraph != "" {
			lines = append(lines, strings.Split(text.WrapSoft(paragraph, helpWidth), "\n")...)
		}
		paragraph = ""
	}
	for line := range strings.SplitSeq(cmd.Long, "\n") {
		if line == "" || strings.HasPrefix(line, " ") {
			end()
			lines = append(lines, line)
			continue
		}
		paragraph = strings.TrimLeft(paragraph+" "+line, " ")
	}
	end()
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	cmd.Long = strings.Join(lines, "\n")
	for _, child := range cmd.Commands() {
		fitHelp(child)
	}
}

// didYouMean names the command or topic below cmd that is near to a name, or says where
// they all are.
func didYouMean(cmd *cobra.Command, name string) string {
	names := namesOf(cmd.Commands(), (*cobra.Command).Name)
	if !cmd.HasParent() && setting.Nearest(name, names) == "" {
		return "\"tokenaudit help\" lists commands and topics"
	}
	return setting.Instead(name, names)
}
