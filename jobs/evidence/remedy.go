package evidence

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/minio/minio-go/v7"

	"tokenaudit/configs/remedy"
	"tokenaudit/jobs/audit"
)

// rights are what each thing needs that is done to a bucket.
var rights = map[string]string{
	"writing": "s3:PutObject", "reading": "s3:GetObject", "listing": "s3:ListBucket", "removing": "s3:DeleteObject",
	"locking": "s3:PutObjectRetention", "reading the lock of": "s3:GetObjectRetention",
}

// remedyFor is what to do about a bucket that refuses, or does not answer.
func remedyFor(a address, doing string, err error) string {
	if errors.As(err, new(*noCredentialsError)) {
		return "Set credentials in the environment, as for the AWS tools, or set a profile of their files in evidence (profile=)."
	}
	answer := minio.ErrorResponse{}
	if !errors.As(err, &answer) {
		at := remedy.Place{What: "the server of the bucket", Key: "evidence (endpoint=)"}
		if a.endpoint != nil {
			at.Address = a.endpoint.Host
		}
		return at.Connection(err)
	}
	switch answer.Code {
	case minio.NoSuchBucket:
		return fmt.Sprintf("Create the bucket %s, or correct its name, the region or the endpoint in evidence.", a.bucket)
	case minio.AccessDenied, "AllAccessDisabled":
		right := rights[doing]
		if right == "" {
			right = "the rights in the topic evidence"
		}
		return fmt.Sprintf("Allow these credentials %s on the bucket %s (tokenaudit help evidence).", right, a.bucket)
	case "InvalidAccessKeyId":
		return "Set a valid access key of this server in the environment: this one was removed, or belongs to another server."
	case "SignatureDoesNotMatch":
		return "Set the secret key that belongs to the access key in the environment. If it is correct, set the clock of this machine."
	case "ExpiredToken", "TokenRefreshRequired", "InvalidToken":
		return "Renew the session of these credentials: its token has expired."
	case "RequestTimeTooSkewed":
		return "Set the clock of this machine by NTP: it is too far from that of the bucket."
	case "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "TemporaryRedirect", "InvalidRegion", "AuthorizationQueryParametersError":
		if answer.Region != "" {
			return fmt.Sprintf("Set region=%s in evidence: the bucket is there.", audit.Line(answer.Region, 40))
		}
		return "Set region in evidence to the one of the bucket."
	case "InvalidObjectState", "ObjectLockConfigurationNotFoundError":
		return "Use a bucket with Object Lock, which is enabled when a bucket is created, or remove evidence_lock."
	}
	if answer.StatusCode >= http.StatusInternalServerError {
		return "Check the server of the bucket: it reports an error of its own."
	}
	return ""
}
