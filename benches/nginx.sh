# A local nginx of one worker for benchmarks, to be sourced: takes $port, makes $folder, and removes both at the end.
# Its answers have a body of two hundred bytes; it runs on core 1, so that clients have core 0.
folder=$(mktemp -d)
trap 'test -f "$folder/nginx.pid" && kill "$(cat "$folder/nginx.pid")" 2>/dev/null; rm -rf "$folder"' EXIT

cat > "$folder/nginx.conf" <<CONF
pid $folder/nginx.pid;
error_log $folder/error.log;
worker_processes 1;
worker_cpu_affinity 10;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000000;
  server {
    listen 127.0.0.1:$port;
    location / { default_type application/json; return 200 '{"id":"0123456789","name":"product","tags":["a","b","c","d","e","f"],"description":"a body of two hundred bytes, as an answer of a product endpoint has them; nothing more to say.","price":12.34}'; }
    location /count { stub_status; }
  }
}
CONF
nginx -c "$folder/nginx.conf" 2>/dev/null

# Requests that nginx has answered, this one among them.
counted() { curl -s "http://127.0.0.1:$port/count" | awk 'NR == 3 { print $3 }'; }
