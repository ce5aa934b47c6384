import { suites } from "../suites/served.ts";
import { bind } from "./bind.ts";

bind(suites, { runtime: "deno" });
