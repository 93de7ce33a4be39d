module trunk.local/pause

go 1.26.0

tool trunk.local/pause
