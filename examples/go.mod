module github.com/highway-engine/highway/examples

go 1.25.0

require (
	github.com/highway-engine/highway v0.0.0
	github.com/highway-engine/highway/grpc v0.0.0
	github.com/highway-engine/highway/postgres v0.0.0
	github.com/jackc/pgx/v5 v5.12.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260706201446-f0a921348800
	google.golang.org/grpc v1.84.0
	google.golang.org/protobuf v1.36.11
)

require (
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sync v0.22.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)

replace (
	github.com/highway-engine/highway => ..
	github.com/highway-engine/highway/grpc => ../grpc
	github.com/highway-engine/highway/postgres => ../postgres
	github.com/highway-engine/highway/storagetest => ../storagetest
)
