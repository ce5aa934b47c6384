import { suites } from "../suites/all.ts";
import { bind } from "./bind.ts";

bind(suites, { runtime: "bun" });
