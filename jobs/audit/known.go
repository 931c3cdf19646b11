package audit

import (
	"bytes"
	"hash/maphash"
	"iter"
)

// KnownPermissions are permissions by the very bytes that they were read from. A
// population has few different ones, and to compare the bytes of one is cheaper than
// to take it apart and look its six texts up. A new one may take the place of
// another.
type KnownPermissions struct {
	seed  maphash.Seed
	slots []*knownPermission
}

type knownPermission struct {
	raw        []byte
	permission Permission
}

// Limits of what is known.
const (
	MostKnown    = 1 << 12
	LongestKnown = 512 // bytes
)

// NewKnownPermissions knows none yet.
func NewKnownPermissions() *KnownPermissions {
	return &KnownPermissions{maphash.MakeSeed(), make([]*knownPermission, MostKnown)}
}

// Of is what was kept for these bytes.
func (k *KnownPermissions) Of(raw []byte) (p Permission, ok bool) {
	if len(raw) > LongestKnown {
		return p, false
	}
	slot := *k.slot(raw)
	if slot == nil || !bytes.Equal(slot.raw, raw) {
		return p, false
	}
	return slot.permission, true
}

// Keep keeps what the bytes, and nothing after them, were found to say.
func (k *KnownPermissions) Keep(raw []byte, p Permission) {
	if len(raw) > LongestKnown {
		return
	}
	slot := k.slot(raw)
	if *slot == nil {
		*slot = new(knownPermission)
	}
	(*slot).raw, (*slot).permission = append((*slot).raw[:0], raw...), p
}

func (k *KnownPermissions) slot(raw []byte) **knownPermission {
	return &k.slots[maphash.Bytes(k.seed, raw)%MostKnown]
}

// All gives what is known.
func (k *KnownPermissions) All() iter.Seq2[string, Permission] {
	return func(yield func(string, Permission) bool) {
		for _, slot := range k.slots {
			if slot != nil && !yield(string(slot.raw), slot.permission) {
				return
			}
		}
	}
}
