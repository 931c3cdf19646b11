// Package influxtest is a fake InfluxDB for tests, demonstrations and
// benchmarks: the read-only part of its API that a token audit needs.
//
// # What is recorded
//
// In [OSS] mode the fake follows InfluxDB 2.9.1. Its answers (status, error
// code and message, body bytes, order, permission filter, dropped rows,
// precedence of query parameters) were recorded from InfluxDB's own handlers;
// T1 to T128 and X1 to X3 in comments and tests number those recordings. Where a
// comment names a source file instead, its code was read. InfluxDB 2.7.12 answers
// alike, except that it shows token values: set [Server.ClearTokens].
//
// # What is documented
//
// [CloudTSM] and [CloudServerless] follow the OpenAPI documents and the manual:
//   - a token's value reads "redacted";
//   - a credential lists the authorizations of its own user in its own
//     organization, and needs read:authorizations and read:users for that;
//   - Serverless has neither /users nor /me, nor members and owners of an
//     organization;
//   - Cloud TSM finds users by name and id only, and lists none otherwise;
//   - /private and /metrics exist on OSS only;
//   - Organization.defaultStorageType is "tsm" or "iox".
//
// # What is assumed
//
// Nobody has recorded these for Cloud: errors look as on OSS; authorizations of
// a deleted user are dropped from lists and their tokens answer 403, as on OSS;
// another user's authorization by id is "authorization not found" (unless the
// permission check of OSS fails first); /health exists on OSS only; users carry
// no role and no org_id.
//
// # What is left out
//
// Everything but GET (405), session cookies, labels, the descending order of one
// organization's buckets, and uniqueness checks of the server other than that of
// user names.
package influxtest
