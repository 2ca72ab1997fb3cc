package sync

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// sendHeartbeat tells the CRM that this site is there and how it is doing.
func (l *Link) sendHeartbeat(ctx context.Context) (more bool, err error) {
	backlog, err := l.opt.Store.Backlog(ctx)
	if err != nil {
		return false, err
	}
	live, waiting := l.opt.Calls.Counts()
	now := l.opt.Now()
	body, err := json.Marshal(Heartbeat{
		Node: l.opt.Node, Version: l.opt.Version, Time: now, UptimeSec: int64(now.Sub(l.started) / time.Second),
		Live: live, Waiting: waiting, Directory: l.opt.Directory.DirectoryVersion(), Backlog: backlog,
	})
	if err != nil {
		return false, err
	}
	_, err = l.client.do(ctx, &request{method: http.MethodPost, path: PathHeartbeat, body: body})
	return false, err
}
