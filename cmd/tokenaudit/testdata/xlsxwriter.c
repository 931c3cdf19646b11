/* One sheet with libxlsxwriter in its mode of constant memory, for .ci/bench:
   xlsxwriter INPUT ROWS BOOK. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xlsxwriter.h>

#define LINES 2000
static char *lines[LINES];

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  FILE *in = fopen(argv[1], "r");
  if (!in) return 1;
  int n = 0, rows = atoi(argv[2]);
  size_t room = 0;
  for (char *line = NULL; n < LINES && getline(&line, &room, in) > 0; line = NULL, room = 0) {
    line[strcspn(line, "\n")] = 0;
    lines[n++] = line;
  }
  lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = "."};
  lxw_workbook *book = workbook_new_opt(argv[3], &options);
  lxw_worksheet *sheet = workbook_add_worksheet(book, NULL);
  lxw_format *date = workbook_add_format(book), *text = workbook_add_format(book);
  format_set_num_format(date, "yyyy-mm-dd hh:mm:ss");
  format_set_align(text, LXW_ALIGN_VERTICAL_TOP);
  char cell[65536];
  for (int row = 0; n > 0 && row < rows; row++) {
    char *at = lines[row % n];
    for (int column = 0; at; column++) {
      size_t length = strcspn(at, "\t");
      memcpy(cell, at, length < sizeof cell ? length : sizeof cell - 1);
      cell[length < sizeof cell ? length : sizeof cell - 1] = 0;
      if (cell[0] == 's') {
        if (cell[1]) worksheet_write_string(sheet, row, column, cell + 1, text);
      } else {
        worksheet_write_number(sheet, row, column, atof(cell + 1), cell[0] == 'd' ? date : text);
      }
      at = at[length] ? at + length + 1 : NULL;
    }
  }
  return workbook_close(book);
}
