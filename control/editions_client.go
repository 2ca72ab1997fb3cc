package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/ringside-pbx/ringside"
)

// LoadDirectory implements Directories.
func (c *Client) LoadDirectory(ctx context.Context, l DirectoryLoad) (DirectoryOutcome, error) {
	q := url.Values{"source": {l.Source}, "author": {l.Author}}
	if l.Confirmed {
		q.Set("confirmed", "1")
	}
	return ask[DirectoryOutcome](ctx, c, http.MethodPut, "/directory", q, l.Document)
}

// EditDirectory implements Directories.
func (c *Client) EditDirectory(ctx context.Context, e DirectoryEdit) (DirectoryOutcome, error) {
	return send[DirectoryOutcome](ctx, c, http.MethodPatch, "/directory", e)
}

// Edits implements Directories.
func (c *Client) Edits(ctx context.Context) ([]ringside.Edit, error) {
	return ask[[]ringside.Edit](ctx, c, http.MethodGet, "/directory/edits", nil, nil)
}

// ForgetEdits implements Directories.
func (c *Client) ForgetEdits(ctx context.Context) (int, error) {
	return ask[int](ctx, c, http.MethodDelete, "/directory/edits", nil, nil)
}

// Editions implements Directories.
func (c *Client) Editions(ctx context.Context, limit int) ([]ringside.Edition, error) {
	return ask[[]ringside.Edition](ctx, c, http.MethodGet, "/directory/editions", url.Values{"limit": {strconv.Itoa(limit)}}, nil)
}

// Edition implements Directories.
func (c *Client) Edition(ctx context.Context, n uint64) (EditionDocument, error) {
	return ask[EditionDocument](ctx, c, http.MethodGet, "/directory/editions/"+strconv.FormatUint(n, 10), nil, nil)
}

// DecideEdition implements Directories.
func (c *Client) DecideEdition(ctx context.Context, d EditionDecision) (DirectoryOutcome, error) {
	return send[DirectoryOutcome](ctx, c, http.MethodPost, "/directory/editions", d)
}

func send[T any](ctx context.Context, c *Client, method, path string, v any) (T, error) {
	body, err := json.Marshal(v)
	if err != nil {
		var none T
		return none, fmt.Errorf("asking the daemon: %w", err)
	}
	return ask[T](ctx, c, method, path, nil, body)
}
