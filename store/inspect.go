package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
)

// The marks of bbolt's file format, version 2.
const (
	boltMagic    = 0xED0CDAED
	boltVersion  = 2
	headerSize   = 16
	elementSize  = 16
	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	noFreelist   = math.MaxUint64
	maxDepth     = 32
	smallestPage = 1 << 10
	largestPage  = 1 << 24
)

// anatomy is what a look at the raw file tells.
type anatomy struct {
	empty    bool   // nothing has ever been written
	schema   uint64 // 0 if there is none
	entries  map[string]int
	waiting  int64 // the size of the calls in the outbox, in bytes
	pages    uint64
	free     uint64
	pageSize int
}

// counts is what the writer goes on counting from.
func (a *anatomy) counts() counts {
	return counts{
		calls: a.entries[callsTable], rejected: a.entries[rejectedTable],
		numbers: a.entries[contactsTable], people: a.entries[peopleTable],
		waiting: [lanes]int{a.entries[outboxTable], a.entries[cdrsTable]}, bytes: a.waiting,
	}
}

// inspect reads every page in use without mapping the file, so that nothing that stands in it can
// bring the process down: bbolt follows offsets and page numbers without checking them, also in
// goroutines of its own, where a panic can't be caught.
func inspect(f *os.File) (*anatomy, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if blank, err := isBlank(f, info.Size()); err != nil || blank {
		return &anatomy{empty: true}, err
	}
	head, err := newestHead(f, info.Size())
	if err != nil {
		return nil, err
	}
	w := &walker{
		file: f, head: head, seen: make([]bool, head.pages),
		found: &anatomy{entries: map[string]int{}, pages: head.pages, pageSize: head.pageSize},
	}
	if err := w.tree(head.root, 0, nil, nil, ""); err != nil {
		return nil, err
	}
	if err := w.freelist(); err != nil {
		return nil, err
	}
	return w.found, nil
}

// isBlank reports whether the file has no content: no bytes, or only the zeros that a power cut
// leaves of a file that was just made.
func isBlank(f *os.File, size int64) (bool, error) {
	if size == 0 {
		return true, nil
	}
	if size > 1<<16 {
		return false, nil
	}
	b, err := io.ReadAll(io.NewSectionReader(f, 0, size))
	return err == nil && len(bytes.TrimLeft(b, "\x00")) == 0, err
}

// head is one of the two meta pages.
type head struct {
	pageSize              int
	root, freelist, pages uint64
	tx                    uint64
}

// newestHead gives the meta page that bbolt will go by.
func newestHead(f *os.File, size int64) (head, error) {
	first, ok1 := readHead(f, 0)
	var second head
	var ok2 bool
	if ok1 {
		second, ok2 = readHead(f, int64(first.pageSize))
	}
	for at := int64(smallestPage); !ok1 && !ok2 && at <= largestPage && at < size; at *= 2 {
		second, ok2 = readHead(f, at)
	}
	h := first
	if ok2 && (!ok1 || second.tx > first.tx) {
		h = second
	}
	switch {
	case !ok1 && !ok2:
		return h, fmt.Errorf("%w: it has no valid head", ErrDamaged)
	case h.pages > uint64(size)/uint64(h.pageSize):
		return h, fmt.Errorf("%w: it was cut short: %d bytes for %d pages", ErrDamaged, size, h.pages)
	}
	return h, nil
}

func readHead(f *os.File, at int64) (head, bool) {
	var b [80]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		return head{}, false
	}
	// bbolt writes its numbers in the machine's order.
	n32, n64 := binary.NativeEndian.Uint32, binary.NativeEndian.Uint64
	sum := fnv.New64a()
	_, _ = sum.Write(b[16:72])
	size := n32(b[24:])
	ok := n32(b[16:]) == boltMagic && n32(b[20:]) == boltVersion && n64(b[72:]) == sum.Sum64() &&
		size >= smallestPage && size <= largestPage && size&(size-1) == 0
	return head{
		pageSize: int(size), root: n64(b[32:]), freelist: n64(b[48:]), pages: n64(b[56:]), tx: n64(b[64:]),
	}, ok
}

// walker goes through the pages that can be reached from a head.
type walker struct {
	file  *os.File
	head  head
	seen  []bool
	found *anatomy
	bufs  [][]byte // one for each depth, used again and again
}

func (w *walker) bad(id uint64, what string) error {
	return fmt.Errorf("%w: page %d: %s", ErrDamaged, id, what)
}

// page reads a page with its overflow and marks it as seen.
func (w *walker) page(id uint64, depth int) ([]byte, error) {
	if id < 2 || id >= w.head.pages || depth > maxDepth {
		return nil, w.bad(id, "out of range")
	}
	at := int64(id) * int64(w.head.pageSize)
	var header [headerSize]byte
	if _, err := w.file.ReadAt(header[:], at); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	more := uint64(binary.NativeEndian.Uint32(header[12:]))
	if binary.NativeEndian.Uint64(header[:]) != id || more >= w.head.pages-id {
		return nil, w.bad(id, "wrong header")
	}
	for i := id; i <= id+more; i++ {
		if w.seen[i] {
			return nil, w.bad(i, "used twice")
		}
		w.seen[i] = true
	}
	for len(w.bufs) <= depth {
		w.bufs = append(w.bufs, nil)
	}
	n := int(more+1) * w.head.pageSize
	if cap(w.bufs[depth]) < n {
		w.bufs[depth] = make([]byte, n)
	}
	b := w.bufs[depth][:n]
	if _, err := w.file.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	return b, nil
}

// tree checks the page and everything below it; its keys must be in [low, high). The bucket it
// belongs to is named; the root bucket has no name.
func (w *walker) tree(id uint64, depth int, low, high []byte, bucket string) error {
	b, err := w.page(id, depth)
	if err != nil {
		return err
	}
	switch binary.NativeEndian.Uint16(b[8:]) {
	case leafPage:
		return w.leaf(id, b, depth, low, high, bucket)
	case branchPage:
	default:
		return w.bad(id, "neither branch nor leaf")
	}
	count := int(binary.NativeEndian.Uint16(b[10:]))
	if count == 0 || headerSize+count*elementSize > len(b) {
		return w.bad(id, "wrong count")
	}
	key := func(i int) ([]byte, uint64, error) {
		e := b[headerSize+i*elementSize:]
		k, _, ok := element(e, binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:]), 0)
		if !ok {
			return nil, 0, w.bad(id, "key out of range")
		}
		return k, binary.NativeEndian.Uint64(e[8:]), nil
	}
	for i := range count {
		from, child, err := key(i)
		if err != nil {
			return err
		}
		to := high
		if i+1 < count {
			if to, _, err = key(i + 1); err != nil {
				return err
			}
		}
		if bytes.Compare(from, low) < 0 || high != nil && bytes.Compare(from, high) >= 0 ||
			i+1 < count && bytes.Compare(from, to) >= 0 {
			return w.bad(id, "keys out of order")
		}
		if err := w.tree(child, depth+1, from, to, bucket); err != nil {
			return err
		}
	}
	return nil
}

// leaf checks the entries of a leaf page, or of a small bucket that stands within one.
func (w *walker) leaf(id uint64, b []byte, depth int, low, high []byte, bucket string) error {
	count := int(binary.NativeEndian.Uint16(b[10:]))
	if headerSize+count*elementSize > len(b) {
		return w.bad(id, "wrong count")
	}
	last := low
	for i := range count {
		e := b[headerSize+i*elementSize:]
		n32 := binary.NativeEndian.Uint32
		k, v, ok := element(e, n32(e[4:]), n32(e[8:]), n32(e[12:]))
		switch {
		case !ok || len(k) == 0:
			return w.bad(id, "entry out of range")
		case bytes.Compare(k, last) < 0, i > 0 && bytes.Equal(k, last), high != nil && bytes.Compare(k, high) >= 0:
			return w.bad(id, "keys out of order")
		}
		last = k
		if n32(e)&1 != 0 {
			if err := w.bucket(id, string(k), v, depth, bucket); err != nil {
				return err
			}
			continue
		}
		w.found.entries[bucket]++
		switch {
		case bucket == metaTable && string(k) == "schema":
			w.found.schema = readNumber(v)
		case bucket == outboxTable:
			if p, ok := readParcel(v); ok {
				w.found.waiting += int64(p.size)
			}
		}
	}
	return nil
}

func (w *walker) bucket(id uint64, name string, v []byte, depth int, parent string) error {
	if parent != "" {
		return w.bad(id, "a bucket within bucket "+parent)
	}
	if len(v) < 16 {
		return w.bad(id, "bucket out of range")
	}
	w.found.entries[name] += 0
	if root := binary.NativeEndian.Uint64(v); root != 0 {
		return w.tree(root, depth+1, nil, nil, name)
	}
	if v = v[16:]; len(v) < headerSize || binary.NativeEndian.Uint16(v[8:]) != leafPage {
		return w.bad(id, "bucket out of range")
	}
	return w.leaf(id, v, depth, nil, nil, name)
}

// element gives key and value of the element that b starts with.
func element(b []byte, pos, key, value uint32) (k, v []byte, ok bool) {
	from, mid := uint64(pos), uint64(pos)+uint64(key)
	end := mid + uint64(value)
	if pos < elementSize || end > uint64(len(b)) {
		return nil, nil, false
	}
	return b[from:mid], b[mid:end], true
}

// freelist checks that no page is both free and in use: bbolt would write over it.
func (w *walker) freelist() error {
	id := w.head.freelist
	if id == noFreelist {
		return nil
	}
	b, err := w.page(id, 0)
	if err != nil {
		return err
	}
	if binary.NativeEndian.Uint16(b[8:]) != freelistPage {
		return w.bad(id, "not the list of free pages")
	}
	count, at := uint64(binary.NativeEndian.Uint16(b[10:])), headerSize
	if count == math.MaxUint16 {
		count, at = binary.NativeEndian.Uint64(b[at:]), at+8
	}
	if count > uint64(len(b)-at)/8 {
		return w.bad(id, "wrong count")
	}
	w.found.free = count
	for i := range int(count) {
		free := binary.NativeEndian.Uint64(b[at+8*i:])
		if free < 2 || free >= w.head.pages {
			return w.bad(free, "free and out of range")
		}
		if w.seen[free] {
			return w.bad(free, "free and in use")
		}
		w.seen[free] = true
	}
	return nil
}
