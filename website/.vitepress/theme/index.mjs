import theme from 'vitepress/theme';
import { defineAsyncComponent } from 'vue';
import './style.css';

export default {
  extends: theme,
  enhanceApp({ app }) {
    app.component(
      'MermaidDiagram',
      defineAsyncComponent(() => import('./MermaidDiagram.vue')),
    );
  },
};
