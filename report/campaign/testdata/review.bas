' Fills in the workbook of a reviewer, sorts and filters it, and saves it in the ways that
' people do: for the test of the same name.
Sub Review(folder, name)
  On Error GoTo failed
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden" : hidden(0).Value = True
  book = StarDesktop.loadComponentFromURL("file://" & folder & "/" & name & ".xlsx", "_blank", 0, hidden())
  sheet = book.Sheets.getByName("Review")
  cursor = sheet.createCursor()
  cursor.gotoEndOfUsedArea(False)
  last = cursor.RangeAddress.EndRow
  For i = 1 To last
    If i Mod 3 = 0 Then
      sheet.getCellByPosition(0, i).String = "revoke"
    ElseIf i Mod 3 = 1 Then
      sheet.getCellByPosition(0, i).String = "keep"
      sheet.getCellByPosition(3, i).String = "needed by " & sheet.getCellByPosition(18, i).String
    End If
  Next
  sheet.getCellByPosition(4, 1).String = "2026-12-31"
  rows = sheet.getCellRangeByPosition(0, 0, cursor.RangeAddress.EndColumn, last)
  Dim key(0) As New com.sun.star.table.TableSortField
  key(0).Field = 1
  key(0).IsAscending = False
  Dim how(1) As New com.sun.star.beans.PropertyValue
  how(0).Name = "SortFields" : how(0).Value = key()
  how(1).Name = "ContainsHeader" : how(1).Value = True
  rows.sort(how())
  shown = rows.createFilterDescriptor(True)
  Dim only(0) As New com.sun.star.sheet.TableFilterField
  only(0).Field = 0
  only(0).Operator = com.sun.star.sheet.FilterOperator.EQUAL
  only(0).StringValue = "revoke"
  shown.setFilterFields(only())
  shown.ContainsHeader = True
  rows.filter(shown)
  Dim workbook(0) As New com.sun.star.beans.PropertyValue
  workbook(0).Name = "FilterName" : workbook(0).Value = "Calc MS Excel 2007 XML"
  book.storeToURL("file://" & folder & "/" & name & "-saved.xlsx", workbook())
  Dim text(1) As New com.sun.star.beans.PropertyValue
  text(0).Name = "FilterName" : text(0).Value = "Text - txt - csv (StarCalc)"
  text(1).Name = "FilterOptions" : text(1).Value = "59,34,76,1,,0,false,true,false,false,false,0"
  book.storeToURL("file://" & folder & "/" & name & "-saved.csv", text())
  book.close(True)
  StarDesktop.terminate()
  Exit Sub
failed:
  Open folder & "/" & name & "-failed.txt" For Output As #1
  Print #1, Erl & ": " & Error$
  Close #1
  StarDesktop.terminate()
End Sub
