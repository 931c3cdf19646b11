// Package campaign writes and reads the files of access reviews: the workbook or CSV that
// a reviewer fills in, and what comes back of it, whatever program it went through. A row
// of a file is a row of the domain, package jobs/campaign, which judges it; this package
// only says what stands where. It also makes the report of an access review, as a page and
// as a workbook, the sums of its evidence folder, and revoke.sh; Verify reads the folder
// back and says whether it is as it was written.
package campaign
