/** A relay by socket.io on Node or Bun: `socketio_server.mjs <package>`. Its frames are those of controls/frame.ts. */
import http from "node:http";
import { createRequire } from "node:module";
import process from "node:process";

const EVERYBODY = 0xffff;
const require = createRequire(process.argv[2]);
const { Server } = require("socket.io");
const io = new Server({ parser: require("socket.io-msgpack-parser"), transports: ["websocket"], serveClient: false });
const sockets = [];
io.on("connection", (socket) => {
  sockets[Number(socket.handshake.query.party)] = socket;
  socket.on("m", (bytes) => {
    const target = bytes[0] | (bytes[1] << 8);
    if (target === EVERYBODY) socket.broadcast.emit("m", bytes);
    else sockets[target]?.emit("m", bytes);
  });
});
process.stdin.on("end", () => process.exit(0)).resume();
const ready = (port) => console.log(JSON.stringify({ url: `http://127.0.0.1:${port}`, meter: "", pid: process.pid }));

if (process.versions.bun) {
  const { Server: Engine } = require("@socket.io/bun-engine");
  const engine = new Engine({ path: "/socket.io/" });
  io.bind(engine);
  ready(globalThis.Bun.serve({ hostname: "127.0.0.1", port: 0, ...engine.handler() }).port);
} else {
  const server = http.createServer();
  io.attach(server);
  server.listen(0, "127.0.0.1", () => ready(server.address().port));
}
