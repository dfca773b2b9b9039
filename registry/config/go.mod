module github.com/highway-engine/highway/registry/config

go 1.25.0

require github.com/highway-engine/highway v0.0.0

require go.yaml.in/yaml/v3 v3.0.6

replace github.com/highway-engine/highway => ../..
