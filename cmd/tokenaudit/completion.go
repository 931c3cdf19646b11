package main

import (
	"github.com/spf13/cobra"

	"tokenaudit/configs/setting"
)

// completion stands in for cobra's own command, whose mistakes are not those of usage.
func (c *cli) completion() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the script by which a shell completes commands and names",
		Long: `completion prints a script for bash, zsh, fish or powershell. With it, the shell completes
commands and flags, and names of jobs, targets, runs and checks. bash needs the package
bash-completion. The packages of a release have the scripts.`,
		Example: `  source <(tokenaudit completion bash)       # in this shell
  tokenaudit completion bash > /etc/bash_completion.d/tokenaudit
  tokenaudit completion zsh > "${fpath[1]}/_tokenaudit"
  tokenaudit completion fish > ~/.config/fish/completions/tokenaudit.fish
  tokenaudit completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("%s needs one shell: bash, zsh, fish or powershell", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(c.data, true)
			case "zsh":
				return root.GenZshCompletion(c.data)
			case "fish":
				return root.GenFishCompletion(c.data, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(c.data)
			}
			return usagef("%s", setting.Unknown("shell", args[0], shells))
		},
	}
}
