package ledger

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tokenaudit/configs/secret"
)

// TestLockHangs: who waits for a process that hangs is told so after a while.
func TestLockHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
		unlock, err := LockCampaigns(t.Context(), store, secret.Ref{})
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		began := time.Now()
		if _, err := LockCampaigns(t.Context(), store, secret.Ref{}); !errors.Is(err, errLocked) || time.Since(began) != lockedFor {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
