// Package table is what every format of a report shares: the input, the rows that
// are made of its records, the columns that show them, the words that sum them up
// and the folder in which files are staged. Records come in, target by target and
// ascending by ID; rows go out to the formats, which show them and never change
// them. It knows no format.
package table
