/** Server process of a cell with us: a gateway over a memory store. */
import { allowAll, createGateway } from "@aether-edge/sdk/gateway";
import { serve } from "@aether-edge/sdk/serve";
import { memoryStore } from "@aether-edge/sdk/store/memory";
import { ready } from "./lib/ready.ts";

const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
const server = await serve(gateway, { hostname: "127.0.0.1", port: 0 });
ready(server.url);
