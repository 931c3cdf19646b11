// Package influxdb3test is a fake InfluxDB 3 for tests and demonstrations: what a token
// audit asks of Core and of Enterprise, and the requests by which people replace and
// delete tokens.
//
// # What was read in the code of InfluxDB 3 Core
//
// The columns of system.tokens and how null and times are written; hashes of 128 digits
// in 3.0.0 and 3.0.1 and of 9 since; no column hash without authentication; 400, 401,
// 404, 405 and their bodies; /ping and its headers since 3.1.0; the header cluster-uuid
// since 3.7.0, on a 401 too; the permissions of Core; regenerate; the operator that cannot be
// deleted since 3.0.3; the list of databases; deleted databases, which keep their IDs and
// get another name.
//
// # What a server was seen to answer
//
// The permissions of Enterprise 3.8.4: an array inside the string, with one action in
// each element.
//
// # What is not known
//
// How Enterprise writes several actions or names, the permissions of an admin, and the
// name of a deleted database; whether read access to _internal is enough for
// system.tokens, and which rows such a reader gets. Each is a field of [Server].
//
// # What is left out
//
// Any query but [ListTokens] (a 400 of its own), users and roles, files of offline tokens, and
// everything else that is written.
package influxdb3test
