package report

// arrange adds the sheets, those of the lists first, since their files are there,
// and puts them into the order in which they are read.
func (b *book) arrange() error {
	order := []string{sheetSummary}
	for _, name := range []string{sheetTodo, sheetFindings, sheetAuthorizations, sheetChanges, sheetOwners} {
		for _, p := range b.parts {
			if p.list == name {
				order = append(order, p.name)
			}
		}
	}
	order = append(order, sheetCoverage, sheetExceptions, sheetControls, sheetAbout)
	if err := b.addSheets(order); err != nil {
		return err
	}
	for i := len(order) - 2; i >= 0; i-- {
		if err := b.MoveSheet(order[i], order[i+1]); err != nil {
			return err
		}
	}
	b.SetActiveSheet(0)
	return nil
}

func (b *book) addSheets(names []string) error {
	if err := b.SetSheetName("Sheet1", b.parts[0].name); err != nil {
		return err
	}
	for _, p := range b.parts[1:] {
		if _, err := b.NewSheet(p.name); err != nil {
			return err
		}
	}
	for _, name := range names { // those that are there stay
		if _, err := b.NewSheet(name); err != nil {
			return err
		}
	}
	return nil
}
