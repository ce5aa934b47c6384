/** A relay over gRPC bidirectional streams on Node: `grpc_server.mjs <package>`. Its frames are those of controls/frame.ts. */
import { createRequire } from "node:module";
import process from "node:process";

const EVERYBODY = 0xffff;
const { Server, ServerCredentials } = createRequire(process.argv[2])("@grpc/grpc-js");
const plain = (bytes) => bytes;
const service = {
  Connect: {
    path: "/bench.Relay/Connect",
    requestStream: true,
    responseStream: true,
    requestSerialize: plain,
    requestDeserialize: plain,
    responseSerialize: plain,
    responseDeserialize: plain,
  },
};
const streams = [];
const Connect = (stream) => {
  let index;
  stream.on("data", (bytes) => {
    if (index === undefined) {
      streams[index = bytes[0] | (bytes[1] << 8)] = stream;
      return stream.write(bytes);
    }
    const target = bytes[0] | (bytes[1] << 8);
    if (target !== EVERYBODY) return streams[target]?.write(bytes);
    streams.forEach((one) => one !== stream && one.write(bytes));
  });
  stream.on("end", () => stream.end());
  stream.on("error", () => {});
};
const server = new Server();
server.addService(service, { Connect });
process.stdin.on("end", () => process.exit(0)).resume();
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(JSON.stringify({ url: `127.0.0.1:${port}`, meter: "", pid: process.pid }));
});
