/** A proxy by `http-proxy` on Node: `http_proxy.mjs <package> <upstream>`. */
import http from "node:http";
import { createRequire } from "node:module";
import process from "node:process";

const [home, target] = process.argv.slice(2);
const proxy = createRequire(home)("http-proxy").createProxyServer({ target, agent: new http.Agent({ keepAlive: true, maxSockets: 256 }) });
proxy.on("error", (_error, _request, response) => response.writeHead?.(502).end());
const server = http.createServer((request, response) => proxy.web(request, response));
process.stdin.on("end", () => process.exit(0)).resume();
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}`, meter: "", pid: process.pid })));
