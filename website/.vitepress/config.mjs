import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vitepress';
import {
  anchorOf,
  copyPages,
  examples,
  headingOf,
  linkedFiles,
  linkOnSite,
  root,
  tableOfPages,
} from './pages.mjs';

const srcDir = join(root, 'website/.pages');
copyPages(srcDir);

const link = (file) => `/${file.replace(/\.md$/, '')}`;
const [start, operate, lookUp] = tableOfPages().map(({ text, pages }) => ({
  text,
  items: pages.map(({ name, file }) => ({ text: name, link: link(file) })),
}));

export default defineConfig({
  title: 'subreaper',
  description: 'The init for Node.js containers',
  lang: 'en',
  // Without it a browser asks for favicon.ico.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  srcDir,
  outDir: join(root, 'build/site'),
  cacheDir: join(root, 'build/site-cache'),
  // Every link must hold: check-links.mjs looks at the anchors too.
  ignoreDeadLinks: false,
  // Mermaid, which a page loads when it has a diagram.
  vite: { build: { chunkSizeWarningLimit: 3000 } },
  markdown: {
    anchor: { slugify: anchorOf },
    config(md) {
      md.core.ruler.push('links-on-site', ({ tokens, env }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          if (token.type === 'link_open')
            token.attrSet('href', linkOnSite(token.attrGet('href'), env.relativePath));
        }
      });
      const { fence } = md.renderer.rules;
      md.renderer.rules.fence = (tokens, index, ...rest) => {
        const { info, content } = tokens[index];
        if (info.trim() !== 'mermaid') return fence(tokens, index, ...rest);
        return `<MermaidDiagram source="${encodeURIComponent(content)}" />`;
      };
    },
  },
  themeConfig: {
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [start.items[0], lookUp.items[0], { text: 'Changes', link: '/CHANGELOG' }],
    sidebar: [
      { ...start, items: [{ text: 'subreaper', link: '/' }, ...start.items] },
      operate,
      {
        ...lookUp,
        items: [
          ...lookUp.items,
          { text: 'Benchmarks', link: '/bench/' },
          { text: 'Contributing', link: '/CONTRIBUTING' },
          { text: 'Releasing', link: '/RELEASING' },
          { text: 'Changes', link: '/CHANGELOG' },
        ],
      },
      {
        text: 'Examples',
        collapsed: true,
        items: examples().map((name) => ({
          text: headingOf(`examples/${name}/README.md`),
          link: `/examples/${name}/`,
        })),
      },
    ],
  },
  buildEnd({ outDir }) {
    for (const file of linkedFiles) {
      mkdirSync(join(outDir, dirname(file)), { recursive: true });
      cpSync(join(root, file), join(outDir, file), { recursive: true });
    }
  },
});
