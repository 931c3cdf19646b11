package report

import (
	"fmt"
	"slices"
	"strings"
)

// say writes down what follows from the checks, and what does not. Where anything
// is wrong, nothing counts as proven.
func (v *verifier) say() {
	if len(v.out.Problems) == 0 && len(v.out.Packs) > 0 {
		v.sayFiles()
		v.sayOrigin()
		v.sayChain()
	}
	v.sayLimits()
}

func (v *verifier) proven(format string, args ...any) {
	v.out.Proven = append(v.out.Proven, fmt.Sprintf(format, args...))
}

func (v *verifier) notProven(format string, args ...any) {
	v.out.NotProven = append(v.out.NotProven, fmt.Sprintf(format, args...))
}

func (v *verifier) sayFiles() {
	files := 0
	for _, p := range v.out.Packs {
		files += len(p.Files) + 1
	}
	v.proven("Integrity: all %d files are as the packs list them, by size, rows and SHA-256; none is missing, none was added.", files)
}

func (v *verifier) sayOrigin() {
	if v.signers == nil {
		return
	}
	var who []string
	for _, p := range v.out.Packs {
		if !slices.Contains(who, p.Signer) {
			who = append(who, p.Signer)
		}
	}
	v.proven("Origin: every pack is signed by a key that the allowed-signers file gives to %s.", strings.Join(who, ", "))
}

func (v *verifier) sayChain() {
	if !v.out.Chain {
		return
	}
	first, last := v.out.Packs[0].Sequence, v.out.Packs[len(v.out.Packs)-1].Sequence
	v.proven("Order: the packs %d to %d follow one another without a gap, and each holds the hash of the one before it.", first, last)
}

func (v *verifier) sayLimits() {
	unsigned := 0
	for _, p := range v.out.Packs {
		if !p.Signed {
			unsigned++
		}
	}
	switch {
	case unsigned > 0:
		v.notProven("That nobody changed a pack on purpose: %d of %d are not signed, and hashes alone show accidents only.", unsigned, len(v.out.Packs))
	case v.signers == nil:
		v.notProven("Who signed: without an allowed-signers file a signature shows only that some key was at hand; anybody can make one.")
	}
	if v.out.Chain {
		v.sayHead()
	} else {
		v.notProven("That no other pack is missing: that needs the folder of the job, with all of its packs.")
	}
	if v.options.Period == nil {
		v.notProven("That every planned review took place: that needs a period.")
	}
	v.notProven("When the packs were made: their times are those of the machine that ran the review. What a review could not see, its coverage says.")
}

// sayHead: whoever can remove packs can put an older chain.json back.
func (v *verifier) sayHead() {
	if len(v.packs) == 0 {
		return
	}
	last := v.packs[len(v.packs)-1].link
	v.notProven("That nobody took packs away from the end on purpose: compare with a note kept elsewhere that the last one is number %d, of run %s, with the manifest %s.", last.Sequence, last.Run, last.Manifest)
}
