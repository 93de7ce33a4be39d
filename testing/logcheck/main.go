// Logcheck checks proofs of `trunkctl log prove`, or a bare checkpoint, with nothing but a public key.
// It shares no code with the trunk: Go's standard library, RFC 9162, C2SP signed-note and tlog-proof.
//
//	logcheck KEY checkpoint|proofs FILE
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

type key struct {
	name   string
	id     []byte
	public ed25519.PublicKey
}

type checkpoint struct {
	size uint64
	root []byte
}

type evidence struct {
	Content       string `json:"content"`
	PackageSha256 string `json:"package_sha256"`
	Salt          string `json:"salt"`
	Proof         string `json:"proof"`
}

func parseKey(text string) (key, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return key{}, errors.New("the key has no three parts")
	}
	data, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(data) != 33 || data[0] != 1 {
		return key{}, errors.New("no Ed25519 key")
	}
	digest := sha256.Sum256(append([]byte(parts[0]+"\n"), data...))
	if hex.EncodeToString(digest[:4]) != parts[1] {
		return key{}, errors.New("the key does not have its id")
	}
	return key{parts[0], digest[:4], ed25519.PublicKey(data[1:])}, nil
}

func openCheckpoint(note string, trusted key) (checkpoint, error) {
	at := strings.LastIndex(note, "\n\n")
	if at < 0 {
		return checkpoint{}, errors.New("no signed note")
	}
	text, isSigned := note[:at+1], false
	for _, line := range strings.Split(strings.TrimSuffix(note[at+2:], "\n"), "\n") {
		name, encoded, found := strings.Cut(strings.TrimPrefix(line, "— "), " ")
		data, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if !found || err != nil || len(data) < 5 {
			return checkpoint{}, errors.New("a signature is malformed")
		}
		if name == trusted.name && bytes.Equal(data[:4], trusted.id) {
			if !ed25519.Verify(trusted.public, []byte(text), data[4:]) {
				return checkpoint{}, errors.New("a signature is wrong")
			}
			isSigned = true
		}
	}
	lines := strings.Split(text, "\n")
	if !isSigned || len(lines) < 4 || lines[0] != trusted.name {
		return checkpoint{}, errors.New("not signed by this key, or of another log")
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	root, err2 := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || err2 != nil || len(root) != sha256.Size {
		return checkpoint{}, errors.New("no checkpoint")
	}
	return checkpoint{size, root}, nil
}

func node(left, right []byte) []byte {
	digest := sha256.Sum256(append(append([]byte{1}, left...), right...))
	return digest[:]
}

// rootOf computes the root that a proof leads to, by the recursion that defines it (RFC 9162, 2.1.3.1).
func rootOf(index, size uint64, leaf []byte, proof [][]byte) ([]byte, error) {
	if size == 1 {
		if len(proof) != 0 {
			return nil, errors.New("the proof is too long")
		}
		return leaf, nil
	}
	if len(proof) == 0 {
		return nil, errors.New("the proof is too short")
	}
	half := uint64(1)
	for half*2 < size {
		half *= 2
	}
	sibling, rest := proof[len(proof)-1], proof[:len(proof)-1]
	if index < half {
		below, err := rootOf(index, half, leaf, rest)
		return node(below, sibling), err
	}
	below, err := rootOf(index-half, size-half, leaf, rest)
	return node(sibling, below), err
}

func commitment(salt []byte, what, data string) string {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(what + "\x00" + data))
	return hex.EncodeToString(mac.Sum(nil))
}

func checkProof(told evidence, trusted key) (uint64, error) {
	salt, err := hex.DecodeString(told.Salt)
	if err != nil || len(salt) != 32 {
		return 0, errors.New("the salt is malformed")
	}
	leaf := fmt.Sprintf(`{"entry":"%s","format":"trunk-entry/1","package":"%s"}`,
		commitment(salt, "entry", told.Content), commitment(salt, "package", told.PackageSha256))
	head, note, found := strings.Cut(told.Proof, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" || len(lines) < 2 {
		return 0, errors.New("no proof")
	}
	index, err := strconv.ParseUint(strings.TrimPrefix(lines[1], "index "), 10, 63)
	if err != nil {
		return 0, errors.New("no index")
	}
	var proof [][]byte
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(hash) != sha256.Size {
			return 0, errors.New("a hash is malformed")
		}
		proof = append(proof, hash)
	}
	signed, err := openCheckpoint(note, trusted)
	if err != nil {
		return 0, err
	}
	digest := sha256.Sum256(append([]byte{0}, leaf...))
	if index >= signed.size {
		return 0, errors.New("the log has no such entry")
	}
	root, err := rootOf(index, signed.size, digest[:], proof)
	if err == nil && !bytes.Equal(root, signed.root) {
		err = errors.New("the proof leads to another root")
	}
	return index, err
}

func run(arguments []string) error {
	if len(arguments) != 3 {
		return errors.New("usage: logcheck KEY checkpoint|proofs FILE")
	}
	trusted, err := parseKey(arguments[0])
	if err != nil {
		return err
	}
	data, err := os.ReadFile(arguments[2])
	if err != nil {
		return err
	}
	if arguments[1] == "checkpoint" {
		signed, err := openCheckpoint(string(data), trusted)
		if err == nil {
			fmt.Printf("size %d root %x\n", signed.size, signed.root)
		}
		return err
	}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		var told evidence
		if err := json.Unmarshal([]byte(line), &told); err != nil {
			return err
		}
		index, err := checkProof(told, trusted)
		if err != nil {
			return err
		}
		fmt.Printf("entry %d holds\n", index)
	}
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "logcheck:", err)
		os.Exit(1)
	}
}
