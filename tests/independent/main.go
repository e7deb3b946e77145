// Command independent checks a folder of our log, or our published vectors, with golang.org/x/mod/sumdb: other
// authors, another language, none of our code.
//
//	independent folder DIR VKEY        every entry, tile and proof up to DIR/checkpoint
//	independent flips DIR VKEY         the same, and that it holds no more with any one byte of any file changed
//	independent vectors DIR            DIR/trees.json, DIR/checkpoints.json
//	independent cosigned NOTE VKEY WITNESS_VKEY...    the log's line and a line of every witness
//
// It writes one line and exits 0, or says what does not hold and exits 1.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height, width, entry = 8, 256, 80

// open is the checkpoint of a note: exactly three lines, each in its one form.
func open(data []byte, vkey string) (tree tlog.Tree, err error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tree, errors.New("not the lines of a checkpoint of this log")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil || strconv.FormatInt(tree.N, 10) != lines[1] || tree.N < 0 {
		return tree, errors.New("size")
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(tree.Hash) {
		return tree, errors.New("root")
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

// files reads tiles of a folder; C2SP leaves out the height that sumdb has in its paths.
type files string

func (files) Height() int                         { return height }
func (files) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (folder files) ReadTiles(tiles []tlog.Tile) (contents [][]byte, err error) {
	for _, tile := range tiles {
		content, err := os.ReadFile(filepath.Join(string(folder), strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	return contents, nil
}

// entries is bundle n of the folder, w entries; sumdb calls the same place level -1, "data".
func (folder files) entries(n int64, w int) (all [][]byte, err error) {
	path := strings.Replace(tlog.Tile{H: height, L: -1, N: n, W: w}.Path(), "tile/8/data/", "tile/entries/", 1)
	content, err := os.ReadFile(filepath.Join(string(folder), path))
	if err != nil || len(content) != w*(2+entry) {
		return nil, fmt.Errorf("bundle %d: %d bytes, %v", n, len(content), err)
	}
	for ; len(content) > 0; content = content[2+entry:] {
		if content[0] != 0 || content[1] != entry {
			return nil, fmt.Errorf("bundle %d: length", n)
		}
		all = append(all, content[2:2+entry])
	}
	return all, nil
}

func checkFolder(dir, vkey string) error {
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := open(data, vkey)
	if err != nil {
		return err
	}
	// Every tile that this reader gives has been proved to belong to the tree of the checkpoint.
	folder := files(dir)
	reader := tlog.TileHashReader(tree, folder)
	if root, err := tlog.TreeHash(tree.N, reader); err != nil || root != tree.Hash {
		return fmt.Errorf("root: %v", err)
	}
	for first := int64(0); first < tree.N; first += width {
		count := tree.N - first
		if count > width {
			count = width
		}
		indexes := make([]int64, count)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		all, err := folder.entries(first/width, int(count))
		if err != nil {
			return err
		}
		for i, each := range all {
			if tlog.RecordHash(each) != hashes[i] {
				return fmt.Errorf("entry %d", first+int64(i))
			}
		}
	}
	if err := checkProofs(tree, reader); err != nil {
		return err
	}
	if err := checkTiles(tree, reader, folder); err != nil {
		return err
	}
	fmt.Printf("folder: %d entries, root %x\n", tree.N, tree.Hash[:])
	return nil
}

// checkFlips changes each byte of each file in turn, and puts it back.
func checkFlips(dir, vkey string) error {
	if err := checkFolder(dir, vkey); err != nil {
		return err
	}
	flips := 0
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for at := range content {
			bit := byte(1) << (at % 8)
			content[at] ^= bit
			if err := os.WriteFile(path, content, 0o600); err != nil {
				return err
			}
			if checkFolder(dir, vkey) == nil {
				return fmt.Errorf("taken, but must be refused: %s with byte %d changed", path, at)
			}
			content[at] ^= bit
			flips++
		}
		return os.WriteFile(path, content, 0o600)
	})
	if err != nil {
		return err
	}
	fmt.Printf("flips: %d changed bytes refused\n", flips)
	return checkFolder(dir, vkey)
}

// checkTiles compares every file that the tree must have, upper levels included.
func checkTiles(tree tlog.Tree, reader tlog.HashReader, folder files) error {
	for _, tile := range tlog.NewTiles(height, 0, tree.N) {
		// Partial tiles of earlier sizes need not be there.
		if tile.W < width && int64(tile.W) != tree.N>>(height*tile.L)-tile.N*width {
			continue
		}
		want, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return err
		}
		have, err := folder.ReadTiles([]tlog.Tile{tile})
		if err != nil || !bytes.Equal(have[0], want) {
			return fmt.Errorf("%s: %v", tile.Path(), err)
		}
	}
	return nil
}

// checkProofs makes inclusion and consistency proofs out of the tiles and verifies them.
func checkProofs(tree tlog.Tree, reader tlog.HashReader) error {
	for n := int64(0); n < tree.N; n += tree.N/50 + 1 {
		leaf, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err != nil {
			return err
		}
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaf[0]); err != nil {
			return fmt.Errorf("inclusion of %d: %v", n, err)
		}
		old, err := tlog.TreeHash(n+1, reader)
		if err != nil {
			return err
		}
		grown, err := tlog.ProveTree(tree.N, n+1, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(grown, tree.N, tree.Hash, n+1, old); err != nil {
			return fmt.Errorf("consistency from %d: %v", n+1, err)
		}
	}
	return nil
}

type inclusion struct {
	Why, Leaf, Root string
	Index, Size     int64
	Path, Refused   []string
}

type vectors struct {
	Trees []struct {
		Size        int64
		Root        string
		Tiles       map[string]string
		Inclusion   []inclusion
		Consistency []struct {
			Old            int64
			OldRoot        string `json:"old_root"`
			Proof, Refused []string
		}
	}
	Refused []inclusion `json:"refused_inclusion"`
}

func hash(text string) (out tlog.Hash) {
	data, err := hex.DecodeString(text)
	if err != nil || copy(out[:], data) != len(out) {
		panic("not a hash in the vectors")
	}
	return out
}

func hashes(texts []string) (all []tlog.Hash) {
	for _, text := range texts {
		all = append(all, hash(text))
	}
	return all
}

// record is entry i of the vectors' rule.
func record(i int64) []byte {
	head, _ := hex.DecodeString("01030000ffff00000000000000000000")
	var number [8]byte
	for at := range number {
		number[at] = byte(i >> (8 * (7 - at)))
	}
	commitment := sha256.Sum256(number[:])
	digest := sha256.Sum256(commitment[:])
	return append(append(head, commitment[:]...), digest[:]...)
}

// changed is a list of hashes, and the numbers and hashes that stand beside it, with one change of trees.json.
func changed(list []string, change string, numbers map[string]int64, roots map[string]string) ([]tlog.Hash, error) {
	words := strings.Fields(change)
	out := hashes(list)
	at, err := strconv.ParseInt(words[1], 10, 64)
	_, isNumber := numbers[words[0]]
	_, isRoot := roots[words[0]]
	switch {
	case isRoot:
		roots[words[0]], err = words[1], nil
	case words[0] == "add":
		out, err = append(out, hash(words[1])), nil
	case err != nil:
	case isNumber:
		numbers[words[0]] = at
	case words[0] == "flip":
		out[at][0] ^= 1
	case words[0] == "drop":
		out = append(out[:at], out[at+1:]...)
	case words[0] == "twice":
		out = append(out[:at+1], out[at:]...)
	default:
		err = errors.New("not a change: " + change)
	}
	return out, err
}

func load(dir, name string, into interface{}) error {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// grow is the whole tree of n entries in sumdb's storage order.
func grow(n int64) (reader tlog.HashReaderFunc, err error) {
	var stored []tlog.Hash
	reader = func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = stored[index]
		}
		return out, nil
	}
	for i := int64(0); i < n; i++ {
		more, err := tlog.StoredHashes(i, record(i), reader)
		if err != nil {
			return nil, err
		}
		stored = append(stored, more...)
	}
	return reader, nil
}

func checkVectors(dir string) error {
	var all vectors
	if err := load(dir, "trees.json", &all); err != nil {
		return err
	}
	reader, err := grow(all.Trees[len(all.Trees)-1].Size)
	if err != nil {
		return err
	}
	checked := 0
	for _, tree := range all.Trees {
		// sumdb has no hash of the empty tree; RFC 6962 says SHA-256 of nothing.
		root := tlog.Hash(sha256.Sum256(nil))
		if tree.Size > 0 {
			if root, err = tlog.TreeHash(tree.Size, reader); err != nil {
				return err
			}
		}
		if root != hash(tree.Root) {
			return fmt.Errorf("root of %d", tree.Size)
		}
		for path, digest := range tree.Tiles {
			if strings.HasPrefix(path, "tile/entries/") {
				continue
			}
			tile, err := tlog.ParseTilePath(strings.Replace(path, "tile/", "tile/8/", 1))
			if err != nil {
				return err
			}
			data, err := tlog.ReadTileData(tile, reader)
			if sum := sha256.Sum256(data); err != nil || hex.EncodeToString(sum[:]) != digest {
				return fmt.Errorf("%s of %d: %v", path, tree.Size, err)
			}
			checked++
		}
		for _, each := range tree.Inclusion {
			if err := tlog.CheckRecord(hashes(each.Path), tree.Size, root, each.Index, hash(each.Leaf)); err != nil {
				return fmt.Errorf("inclusion of %d in %d: %v", each.Index, tree.Size, err)
			}
			checked++
			for _, change := range each.Refused {
				at := map[string]int64{"index": each.Index, "size": tree.Size}
				path, err := changed(each.Path, change, at, nil)
				if err != nil {
					return err
				}
				if tlog.CheckRecord(path, at["size"], root, at["index"], hash(each.Leaf)) == nil {
					return fmt.Errorf("taken, but must be refused: inclusion of %d in %d, %s", each.Index, tree.Size, change)
				}
				checked++
			}
		}
		for _, each := range tree.Consistency {
			if err := tlog.CheckTree(hashes(each.Proof), tree.Size, root, each.Old, hash(each.OldRoot)); err != nil {
				return fmt.Errorf("consistency of %d with %d: %v", tree.Size, each.Old, err)
			}
			checked++
			for _, change := range each.Refused {
				at := map[string]int64{"old": each.Old}
				roots := map[string]string{"old_root": each.OldRoot, "root": tree.Root}
				proof, err := changed(each.Proof, change, at, roots)
				if err != nil {
					return err
				}
				if tlog.CheckTree(proof, tree.Size, hash(roots["root"]), at["old"], hash(roots["old_root"])) == nil {
					return fmt.Errorf("taken, but must be refused: consistency of %d with %d, %s", tree.Size, each.Old, change)
				}
				checked++
			}
		}
	}
	for _, each := range all.Refused {
		if tlog.CheckRecord(hashes(each.Path), each.Size, hash(each.Root), each.Index, hash(each.Leaf)) == nil {
			return fmt.Errorf("taken, but must be refused: %s", each.Why)
		}
		checked++
	}
	notes, err := checkNotes(dir)
	if err != nil {
		return err
	}
	fmt.Printf("vectors: %d of trees, %d notes\n", checked, notes)
	return nil
}

func checkNotes(dir string) (checked int, err error) {
	var all struct {
		Vkey        string
		Checkpoints []struct {
			Size       int64
			Root, Note string
		}
		Also    map[string]string
		Refused []struct{ Why, Note string }
	}
	if err := load(dir, "checkpoints.json", &all); err != nil {
		return 0, err
	}
	for _, each := range all.Checkpoints {
		tree, err := open([]byte(each.Note), all.Vkey)
		if err != nil || tree.N != each.Size || tree.Hash != hash(each.Root) {
			return 0, fmt.Errorf("checkpoint of %d: %v", each.Size, err)
		}
	}
	for why, text := range all.Also {
		if _, err := open([]byte(text), all.Vkey); err != nil {
			return 0, fmt.Errorf("%s: %v", why, err)
		}
	}
	for _, each := range all.Refused {
		if _, err := open([]byte(each.Note), all.Vkey); err == nil {
			return 0, fmt.Errorf("taken, but must be refused: %s", each.Why)
		}
	}
	return len(all.Checkpoints) + len(all.Also) + len(all.Refused), nil
}

// cosigner verifies lines of c2sp.org/tlog-cosignature, Ed25519 (type 4), which sumdb does not know by itself.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(c.key, append([]byte(head), msg...), sig[8:])
}

func newCosigner(vkey string) (c cosigner, err error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return c, errors.New("vkey")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return c, errors.New("vkey of another type")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	if hex.EncodeToString(sum[:4]) != parts[1] {
		return c, errors.New("key id")
	}
	return cosigner{parts[0], binary.BigEndian.Uint32(sum[:]), key[1:]}, nil
}

// checkCosigned demands a good line of the log and of every witness.
func checkCosigned(path, vkey string, witnesses []string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if _, err := open(data, vkey); err != nil {
		return err
	}
	for _, each := range witnesses {
		verifier, err := newCosigner(each)
		if err != nil {
			return err
		}
		if _, err := note.Open(data, note.VerifierList(verifier)); err != nil {
			return fmt.Errorf("%s: %v", verifier.name, err)
		}
	}
	fmt.Printf("cosigned: %d witnesses\n", len(witnesses))
	return nil
}

func main() {
	err := errors.New("folder DIR VKEY | flips DIR VKEY | vectors DIR | cosigned NOTE VKEY WITNESS_VKEY...")
	if len(os.Args) == 4 && os.Args[1] == "folder" {
		err = checkFolder(os.Args[2], os.Args[3])
	} else if len(os.Args) == 4 && os.Args[1] == "flips" {
		err = checkFlips(os.Args[2], os.Args[3])
	} else if len(os.Args) == 3 && os.Args[1] == "vectors" {
		err = checkVectors(os.Args[2])
	} else if len(os.Args) > 4 && os.Args[1] == "cosigned" {
		err = checkCosigned(os.Args[2], os.Args[3], os.Args[4:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
}
