package esl

import "context"

// ReloadXML makes FreeSWITCH read its configuration again, and with it the dialplan.
func (p *PBX) ReloadXML(ctx context.Context) error {
	_, err := p.do(ctx, "reloadxml")
	return err
}
