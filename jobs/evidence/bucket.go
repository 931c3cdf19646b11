package evidence

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

// bucket holds evidence where every process sees it. Its keys are the paths of the
// files in an evidence folder.
type bucket struct {
	client   minio.Core
	address  address
	lock     Lock
	location string // its URL without options
	work     string // a folder for what is on its way
}

// openBucket sends nothing: whether the bucket is there, the first request tells.
func openBucket(place string, lock Lock) (*bucket, error) {
	a, err := parseAddress(place)
	if err != nil {
		return nil, fmt.Errorf("evidence %w", err)
	}
	client, err := minio.New(a.endpoint.Host, &minio.Options{
		Creds: newCredentials(a.profile, a.region), Secure: a.endpoint.Scheme == "https", Region: a.region, BucketLookup: a.lookup,
	})
	if err != nil {
		return nil, &bucketError{what: "evidence: opening the bucket", err: err}
	}
	client.SetS3EnableDualstack(a.dualstack)
	return &bucket{client: minio.Core{Client: client}, address: a, lock: lock, location: "s3://" + strings.TrimSuffix(a.bucket+"/"+a.prefix, "/")}, nil
}

func (b *bucket) object(key string) string {
	return strings.TrimPrefix(b.address.prefix+"/"+key, "/")
}

// store puts a file where nothing is, and proves it. What an earlier attempt of the
// same run left there stays if it is the same to the byte and locked until then;
// otherwise it is taken away first, unless a pack was sealed there: then the error is
// errOther. there tells what is known of that.
func (b *bucket) store(ctx context.Context, key, path string, until time.Time, there bool) error {
	created, err := b.putNew(ctx, key, path, until, there)
	if created || err != nil && !errors.As(err, new(*mismatchError)) {
		return err
	}
	if err == nil { // it is ours: an answer was lost
		return nil
	}
	switch sealed, err := b.has(ctx, strings.TrimSuffix(key, filepath.Base(path))+manifestFile); {
	case err != nil:
		return err
	case sealed: // by another process, in the meantime
		return errOther
	}
	if err := b.remove(ctx, key); err != nil {
		return err
	}
	return b.putAnyway(ctx, key, path, until)
}

// errOther is an object that is there and another one than was to be stored.
var errOther = errors.New("another object is there")

// storeOnce is store for an object that nothing replaces: with another one there it
// changes nothing, and the error is errOther. What it put itself and cannot prove, it
// takes away.
func (b *bucket) storeOnce(ctx context.Context, key, path string, until time.Time, there bool) error {
	created, err := b.putNew(ctx, key, path, until, there)
	if created && err != nil {
		return errors.Join(err, b.remove(ctx, key))
	}
	if mismatch, ok := errors.AsType[*mismatchError](err); ok && mismatch.content {
		return errOther
	}
	return err
}

// putNew puts a file where nothing is, or finds what is there the same. Created tells
// which of the two, whether it is proven is the error.
func (b *bucket) putNew(ctx context.Context, key, path string, until time.Time, there bool) (created bool, err error) {
	want, err := sumOf(path)
	if err != nil {
		return false, err
	}
	if !there {
		err := b.putFile(ctx, key, path, until, true)
		if err == nil {
			return true, b.prove(ctx, key, want, until)
		}
		if code := minio.ToErrorResponse(err).Code; code != minio.PreconditionFailed && code != "ConditionalRequestConflict" {
			return false, b.failed("writing", key, err)
		}
	}
	if err := b.prove(ctx, key, want, until); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, b.putAnyway(ctx, key, path, until)
}

// putAnyway puts a file without the condition: where versions are kept, some servers
// take the mark of what was removed for an object.
func (b *bucket) putAnyway(ctx context.Context, key, path string, until time.Time) error {
	want, err := sumOf(path)
	if err != nil {
		return err
	}
	if err := b.putFile(ctx, key, path, until, false); err != nil {
		return b.failed("writing", key, err)
	}
	return b.prove(ctx, key, want, until)
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return hex.EncodeToString(hash.Sum(nil)), err
}

func (b *bucket) putFile(ctx context.Context, key, path string, until time.Time, onlyNew bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return b.put(ctx, key, f, until, onlyNew)
}

// put sends an object in one request, a file straight from the disk, locked unless until is zero.
// If asked for, it is refused where there is an object.
func (b *bucket) put(ctx context.Context, key string, content io.ReadSeeker, until time.Time, onlyNew bool) error {
	size, err := content.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = content.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	// Object Lock needs the MD5. Several parts would lose the condition.
	o := minio.PutObjectOptions{SendContentMd5: true, DisableMultipart: true, ServerSideEncryption: b.address.encryption}
	if !until.IsZero() {
		o.Mode, o.RetainUntilDate = minio.RetentionMode(strings.ToUpper(b.lock.Mode)), until
	}
	if onlyNew {
		o.SetMatchETagExcept("*")
	}
	_, err = b.client.Client.PutObject(ctx, b.address.bucket, b.object(key), content, size, o)
	return err
}

// retainUntil is the header that says when the lock of an object ends.
const retainUntil = "X-Amz-Object-Lock-Retain-Until-Date"

// prove reads an object back. It must be what was written, and locked if that was
// asked for: a bucket that ignores Object Lock does not show it.
func (b *bucket) prove(ctx context.Context, key, want string, until time.Time) error {
	got, err := b.sum(ctx, key)
	if err != nil {
		return err
	}
	if got != want {
		return &mismatchError{fmt.Sprintf("evidence: %s/%s differs from what was written: SHA-256 %s, not %s. The review is not finished until they are equal", b.location, key, got, want), true}
	}
	if until.IsZero() {
		return nil
	}
	info, err := b.client.StatObject(ctx, b.address.bucket, b.object(key), minio.StatObjectOptions{})
	if err != nil {
		return b.failed("reading the lock of", key, err)
	}
	mode := info.Metadata.Get("X-Amz-Object-Lock-Mode")
	at, err := time.Parse(time.RFC3339, info.Metadata.Get(retainUntil))
	if err != nil || !strings.EqualFold(mode, b.lock.Mode) || at.Before(until.Truncate(time.Second)) {
		shown := strings.TrimSpace(mode + " " + info.Metadata.Get(retainUntil))
		if shown == "" {
			shown = "no lock"
		}
		return &mismatchError{fmt.Sprintf("evidence: %s/%s is not locked as evidence_lock requires: the bucket shows %s, not %s %s. The bucket needs Object Lock, and the credentials need s3:PutObjectRetention and s3:GetObjectRetention",
			b.location, key, shown, strings.ToUpper(b.lock.Mode), until.UTC().Format(time.RFC3339)), false}
	}
	return nil
}

// mismatchError is an object that is there and not what it should be.
type mismatchError struct {
	text    string
	content bool // or else its lock
}

func (e *mismatchError) Error() string { return e.text }

// sum reads an object and returns its SHA-256.
func (b *bucket) sum(ctx context.Context, key string) (string, error) {
	hash := sha256.New()
	if err := b.download(ctx, key, hash); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// download copies an object. The error is fs.ErrNotExist if there is no such object.
func (b *bucket) download(ctx context.Context, key string, w io.Writer) error {
	body, _, _, err := b.client.GetObject(ctx, b.address.bucket, b.object(key), minio.GetObjectOptions{})
	if err != nil {
		return b.failed("reading", key, err)
	}
	defer body.Close()
	_, err = io.Copy(w, body)
	switch {
	case errors.As(err, new(*fs.PathError)):
		return b.failed("copying to this machine", key, err)
	case err != nil:
		return b.failed("reading", key, err)
	}
	return nil
}

// fetch copies an object to a file, which appears whole or not at all. It grows in
// the folder for work, so that nobody takes it for a part of a pack. A machine that
// cannot keep it says nothing of the object, either.
func (b *bucket) fetch(ctx context.Context, key, path string) error {
	f, err := os.CreateTemp(b.work, ".fetch-*")
	if err != nil {
		return b.failed("copying to this machine", key, err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := b.download(ctx, key, f); err != nil {
		return err
	}
	if err := errors.Join(f.Close(), os.MkdirAll(filepath.Dir(path), 0o700), os.Rename(f.Name(), path)); err != nil {
		return b.failed("copying to this machine", key, err)
	}
	return nil
}

// keys are those of the objects under a prefix. The marks that some programs set for a
// folder are none.
func (b *bucket) keys(ctx context.Context, prefix string) (keys []string, err error) {
	for o := range b.client.ListObjectsIter(ctx, b.address.bucket, minio.ListObjectsOptions{Prefix: b.object(prefix), Recursive: true}) {
		if o.Err != nil {
			return nil, b.failed("listing", prefix, o.Err)
		}
		if !strings.HasSuffix(o.Key, "/") {
			keys = append(keys, strings.TrimPrefix(o.Key, b.object("")))
		}
	}
	return keys, nil
}

// has reports whether there is an object.
func (b *bucket) has(ctx context.Context, key string) (bool, error) {
	_, err := b.client.StatObject(ctx, b.address.bucket, b.object(key), minio.StatObjectOptions{})
	if err != nil {
		err = b.failed("looking for", key, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// remove takes an object away, if it is there. A bucket with versions keeps it out of
// sight, until its lock and its lifecycle rule have ended.
func (b *bucket) remove(ctx context.Context, key string) error {
	err := b.client.RemoveObject(ctx, b.address.bucket, b.object(key), minio.RemoveObjectOptions{})
	if err != nil && minio.ToErrorResponse(err).Code != minio.NoSuchKey {
		return b.failed("removing", key, err)
	}
	return nil
}

// try does all that a review does to a bucket, with an object of its own, which it
// never locks: nobody could remove it.
func (b *bucket) try(ctx context.Context) error {
	key := ".tokenaudit-doctor-" + rand.Text()
	if err := b.put(ctx, key, strings.NewReader(key), time.Time{}, true); err != nil {
		return b.failed("writing", key, err)
	}
	_, reading := b.sum(ctx, key)
	_, listing := b.keys(ctx, key)
	err := errors.Join(reading, listing)
	if b.lock.Mode != "" {
		err = errors.Join(err, b.tryLock(ctx, key))
	}
	return errors.Join(err, b.remove(ctx, key))
}

// tryLock writes a lock in vain: on an object that is there, and only if it is not. A
// server refuses that because of the object, and before that because of what is missing
// for a lock.
func (b *bucket) tryLock(ctx context.Context, key string) error {
	enabled, _, _, _, err := b.client.GetObjectLockConfig(ctx, b.address.bucket)
	if err != nil || enabled != "Enabled" {
		return errors.Join(fmt.Errorf("evidence_lock: %s has no Object Lock, or does not show it (s3:GetBucketObjectLockConfiguration). Object Lock is enabled when a bucket is created", b.location), err)
	}
	switch err := b.put(ctx, key, strings.NewReader(key), time.Now().Add(time.Minute), true); {
	case err == nil:
		return fmt.Errorf("evidence_lock: %s allows objects to be overwritten: it does not support If-None-Match", b.location)
	case minio.ToErrorResponse(err).Code != minio.PreconditionFailed:
		return b.failed("locking", key, err)
	}
	return nil
}

func (b *bucket) failed(doing, key string, err error) error {
	what := fmt.Sprintf("evidence: %s %s/%s", doing, b.location, key)
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return fmt.Errorf("%s: %w", what, fs.ErrNotExist)
	}
	return &bucketError{what, err, remedyFor(b.address, doing, err)}
}

// bucketError is a bucket that could not be asked, which says nothing of what it
// holds. The text leaves out the options of URLs, which Go puts into errors: those of
// credentials hold tokens.
type bucketError struct {
	what string
	err  error
	fix  string // what to do, "" where that is not known
}

var queryPart = regexp.MustCompile(`\?[^\s"']*`)

func (e *bucketError) Error() string {
	text := strings.Join(strings.Fields(e.err.Error()), " ")
	if answer := new(minio.ErrorResponse); errors.As(e.err, answer) && answer.Code != "" {
		text = answer.Code + ": " + text
	}
	return e.what + ": " + queryPart.ReplaceAllString(text, "?…")
}

func (e *bucketError) Unwrap() error { return e.err }

// Remedy is what to do about it.
func (e *bucketError) Remedy() string { return e.fix }

// Unreachable tells it from an object that is missing or damaged.
func (e *bucketError) Unreachable() {}
