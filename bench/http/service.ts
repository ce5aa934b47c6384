/** The same behind a gateway: `service.ts <gateway>`. It opens no port. */
import process from "node:process";
import { ServiceClient } from "@aether-edge/sdk";
import { serveHttp } from "@aether-edge/sdk/proxy";
import { endWithParent } from "../lib/ready.ts";
import { answer } from "./handler.ts";

endWithParent();
const service = new ServiceClient({ address: process.argv[2], implementation: "bench", specifier: "1" });
serveHttp(service, answer);
await service.connect();
console.log("{}");
