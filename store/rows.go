package store

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// row is a copied key with its value.
type row struct{ key, value []byte }

// copyRows copies up to n rows with keys in [low, high), from the end if backwards, but no more than
// a transaction should hold. It tells whether there may be more.
func copyRows(b *bolt.Bucket, low, high []byte, n int, backwards bool) (rows []row, more bool) {
	c := b.Cursor()
	k, v := first(c, low, high, backwards)
	size := 0
	for ; inside(k, low, high); k, v = next(c, backwards) {
		if len(rows) >= min(n, chunkEntries) || size >= chunkBytes {
			return rows, true
		}
		rows = append(rows, row{bytes.Clone(k), bytes.Clone(v)})
		size += len(k) + len(v)
	}
	return rows, false
}

func first(c *bolt.Cursor, low, high []byte, backwards bool) (k, v []byte) {
	switch {
	case !backwards && low == nil:
		return c.First()
	case !backwards:
		return c.Seek(low)
	case high == nil:
		return c.Last()
	}
	if k, _ := c.Seek(high); k == nil {
		return c.Last()
	}
	return c.Prev()
}

func next(c *bolt.Cursor, backwards bool) (k, v []byte) {
	if backwards {
		return c.Prev()
	}
	return c.Next()
}

func inside(k, low, high []byte) bool {
	return k != nil && bytes.Compare(k, low) >= 0 && (high == nil || bytes.Compare(k, high) < 0)
}
