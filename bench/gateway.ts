/** Server process of a cell with us: `gateway.ts memory` or `gateway.ts sqlite <folder>`, synchronised as by default. */
import process from "node:process";
import { allowAll, createGateway } from "@aether-edge/sdk/gateway";
import { serve } from "@aether-edge/sdk/serve";
import { memoryStore } from "@aether-edge/sdk/store/memory";
import { sqliteStore } from "@aether-edge/sdk/store/sqlite";
import { ready } from "./lib/ready.ts";

const [kept, folder] = process.argv.slice(2);
const store = kept === "sqlite" ? sqliteStore(`${folder}/aether.db`, { synchronous: "normal" }) : memoryStore();
const gateway = await createGateway({ store, auth: allowAll(), ingress: { services: ["bench"] } });
const server = await serve(gateway, { hostname: "127.0.0.1", port: 0 });
ready(server.url);
