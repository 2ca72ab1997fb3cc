module github.com/ringside-pbx/ringside

go 1.26
