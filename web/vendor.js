// Copies what the binary embeds out of node_modules: the chart library and its license. Run by `npm install`.
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const from = join(here, "node_modules", "echarts");
const to = join(here, "assets", "vendor");
const wanted = JSON.parse(readFileSync(join(here, "package.json"), "utf8")).dependencies.echarts;
const installed = JSON.parse(readFileSync(join(from, "package.json"), "utf8")).version;
if (installed !== wanted) {
  console.error(`echarts ${installed} is installed but package.json asks for ${wanted}: remove web/node_modules and run npm install again`);
  process.exit(1);
}
mkdirSync(to, { recursive: true });
copyFileSync(join(from, "dist", "echarts.min.js"), join(to, "echarts.min.js"));
copyFileSync(join(from, "LICENSE"), join(to, "echarts.LICENSE.txt"));
copyFileSync(join(from, "NOTICE"), join(to, "echarts.NOTICE.txt"));
console.log(`echarts ${installed} → ${to}`);
