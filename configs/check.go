package configs

// Check says what is wrong with the text of a configuration file, as Load does, before
// there is such a file.
func Check(path string, text []byte) error {
	_, _, problems := parse(text)
	return failure(path, problems)
}
