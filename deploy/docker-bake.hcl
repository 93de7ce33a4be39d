# Every image of a release:
#   VERSION=1.4.0 REVISION=$(git rev-parse HEAD) CREATED=$(git log -1 --format=%cI) docker buildx bake -f deploy/docker-bake.hcl
# On a network without the public registries: BASE=… UV=… and, where packages come from an own index,
#   --set '*.secrets=id=uv_config,src=uv.toml' --set '*.secrets+=id=ca,src=ca.pem'
variable "REGISTRY" { default = "" }
variable "VERSION" { default = "dev" }
variable "REVISION" { default = "unknown" }
variable "CREATED" { default = "1970-01-01T00:00:00Z" }
variable "BASE" { default = "python:3.13-slim-trixie" }
variable "UV" { default = "ghcr.io/astral-sh/uv:0.13.9" }
variable "NETWORK" { default = "default" }

group "default" { targets = ["image"] }

target "image" {
  matrix     = { service = ["intake", "validator", "router", "archive", "notifier", "trunkctl", "canary"] }
  name       = service
  context    = "."
  dockerfile = "deploy/Dockerfile"
  network    = NETWORK
  args = {
    SERVICE  = service
    BASE     = BASE
    UV       = UV
    VERSION  = VERSION
    REVISION = REVISION
    CREATED  = CREATED
  }
  tags = ["${REGISTRY}trunk-${service}:${VERSION}"]
}
