module github.com/highway-engine/highway

go 1.25
