package routing

import "github.com/ringside-pbx/ringside"

// Extension tells about an extension: what the directory says of it, and whether it can be called at all, as
// its account and its server count too. It is nil if there is none of that number, and must not be changed.
func (c *Compiled) Extension(number string) (src *ringside.Extension, active bool) {
	e := c.extensions[number]
	if e == nil {
		return nil, false
	}
	return e.src, e.off == ""
}
