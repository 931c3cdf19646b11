package main

// export is the command of PowerShell that sets a variable.
func export(name, value string) string { return "$env:" + name + ` = "` + value + `"` }
