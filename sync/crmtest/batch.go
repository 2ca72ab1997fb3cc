package crmtest

import (
	"fmt"
	"net/http"

	crmsync "github.com/ringside-pbx/ringside/sync"
)

// batchItem is one item of POST calls or POST cdrs, its record as it arrived.
type batchItem struct {
	key    string
	record []byte
}

// readBatch takes a batch apart; record is the name of an item's record. why says what is wrong.
func readBatch(body []byte, record string) (node string, items []batchItem, status int, why string) {
	var list []byte
	if !eachField(body, func(key string, value []byte) {
		switch key {
		case "node":
			node = text(value)
		case "items":
			list = value
		}
	}) {
		return "", nil, http.StatusBadRequest, "the body is not the JSON object that is wanted"
	}
	whole := eachItem(list, func(one []byte) {
		var it batchItem
		eachField(one, func(key string, value []byte) {
			switch key {
			case "key":
				it.key = text(value)
			case record:
				it.record = value
			}
		})
		items = append(items, it)
	})
	switch {
	case node == "":
		return "", nil, http.StatusUnprocessableEntity, "node is missing"
	case !whole:
		return "", nil, http.StatusUnprocessableEntity, "items is missing, or no list"
	case len(items) > crmsync.MaxBatch:
		return "", nil, http.StatusRequestEntityTooLarge, fmt.Sprintf("there are more than %d items", crmsync.MaxBatch)
	}
	return node, items, 0, ""
}

// takeBatch has each item of a batch judged, under the mutex, and answers for all.
func (c *CRM) takeBatch(w http.ResponseWriter, body []byte, record string, take func(node string, it batchItem) crmsync.Result) {
	node, items, status, why := readBatch(body, record)
	if why != "" {
		refuse(w, status, why)
		return
	}
	res := crmsync.Results{Results: make([]crmsync.Result, len(items))}
	c.mu.Lock()
	for i, it := range items {
		res.Results[i] = take(node, it)
	}
	c.mu.Unlock()
	c.settled(w, res)
}

// malformed refuses one item of a batch for good.
func malformed(key, code, reason string) crmsync.Result {
	return crmsync.Result{Key: key, Status: crmsync.Refused, Code: code, Reason: reason}
}
