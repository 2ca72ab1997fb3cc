package sync

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// beat tells the CRM, now and then, that this site is there and how it is doing.
func (l *Link) beat(ctx context.Context, s *stream) {
	tries := s.retries()
	for s.enter(ctx) {
		if err := l.sendHeartbeat(ctx); err != nil {
			if !tries.failed(ctx, err, nil) {
				return
			}
			continue
		}
		tries.ok()
		if !rest(ctx, l.opt.Poll, nil) {
			return
		}
	}
}

func (l *Link) sendHeartbeat(ctx context.Context) error {
	backlog, err := l.opt.Store.Backlog(ctx)
	if err != nil {
		return err
	}
	live, waiting := l.opt.Calls.Counts()
	now := l.opt.Now()
	body, err := json.Marshal(Heartbeat{
		Node: l.opt.Node, Version: l.opt.Version, Time: now, UptimeSec: int64(now.Sub(l.started) / time.Second),
		Live: live, Waiting: waiting, Directory: l.opt.Directory.DirectoryVersion(), Backlog: backlog,
	})
	if err != nil {
		return err
	}
	_, err = l.client.do(ctx, &request{method: http.MethodPost, path: PathHeartbeat, body: body})
	return err
}
