package campaign

import (
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/signature"
)

// closingKey is the fingerprint of the key that signed the closing statement, or what is wrong
// with the signature; both are "" if there is none.
type closingKey struct{ fingerprint, problem string }

func closingKeyOf(files map[string][]byte) closingKey {
	signed, there := files[campaign.ClosedFile+campaign.SignatureSuffix]
	if !there {
		return closingKey{}
	}
	key, err := signature.KeyOf(campaign.ClosedFile, files[campaign.ClosedFile], signed, campaign.Namespace)
	if err != nil {
		return closingKey{problem: "The signature " + err.Error()}
	}
	return closingKey{fingerprint: ssh.FingerprintSHA256(key)}
}

// sharesKey are the others who signed with a key of a person, reviewers and the manager.
func sharesKey(b *campaign.Book, closing closingKey, person string) (out []string) {
	type signer struct{ who, key string }
	var all []signer
	for _, in := range b.Imports {
		if in.Signed && in.Key != "" {
			all = append(all, signer{strings.ToLower(in.Reviewer), in.Key})
		}
	}
	if b.Closing != nil && closing.fingerprint != "" {
		all = append(all, signer{strings.ToLower(b.Closing.Manager), closing.fingerprint})
	}
	for _, own := range all {
		if !campaign.Same(own.who, person) {
			continue
		}
		for _, other := range all {
			if other.key == own.key && !campaign.Same(other.who, person) && !slices.Contains(out, other.who) {
				out = append(out, other.who)
			}
		}
	}
	return out
}

// sharedKey remarks on a manager who signed with the key of a reviewer.
func (v *verifier) sharedKey() {
	if v.book.Closing == nil {
		return
	}
	if who := sharesKey(v.book, closingKeyOf(v.files), v.book.Closing.Manager); len(who) > 0 {
		v.Remarks = append(v.Remarks, campaign.ClosedFile+" is signed with the same key as the decisions of "+audit.Names(who, 3))
	}
}
