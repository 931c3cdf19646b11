// Package campaign writes and reads the files of access reviews: the workbook or CSV that
// a reviewer fills in, and what comes back of it, whatever program it went through. A row
// of a file is a row of the domain, package jobs/campaign, which judges it; this package
// only says what stands where.
package campaign
