-- Which version of the program works on the ledger. One that is too old to read it names it.

-- +goose Up
CREATE TABLE program (
    version TEXT NOT NULL -- '' until a program that says its version has opened it
);
INSERT INTO program (version) VALUES ('');

-- +goose Down
DROP TABLE program;
