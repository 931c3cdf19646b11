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
		return "Put credentials into the environment, as for the AWS tools, or name a profile of their files in evidence (profile=)."
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
		return fmt.Sprintf("Make the bucket %s, or correct its name, the region or the endpoint in evidence.", a.bucket)
	case minio.AccessDenied, "AllAccessDisabled":
		right := rights[doing]
		if right == "" {
			right = "what the topic evidence names"
		}
		return fmt.Sprintf("Allow these credentials %s on the bucket %s (tokenaudit help evidence).", right, a.bucket)
	case "InvalidAccessKeyId":
		return "Put an access key into the environment that this server knows: this one was removed, or is of another server."
	case "SignatureDoesNotMatch":
		return "Put the secret key into the environment that belongs to the access key; where it does, set the clock of this machine."
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
		return "Use a bucket with Object Lock, which is set up when a bucket is made, or take evidence_lock out."
	}
	if answer.StatusCode >= http.StatusInternalServerError {
		return "Look at the server of the bucket: it cannot do its work at the moment."
	}
	return ""
}
