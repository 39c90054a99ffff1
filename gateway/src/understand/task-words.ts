/** The words by which people ask for each kind of work, in the main languages. Data: one phrase between bars, whole words, case and accents do not matter. */

/** What the words of one list say of the task. */
export type WordTask =
  | 'code'
  | 'math'
  | 'translation'
  | 'summary'
  | 'extraction'
  | 'classification'
  | 'creative'
  | 'analysis';

export interface TaskWords {
  readonly task: WordTask;
  /** `sure`: said of hardly anything else. `likely`: also said of other things, and outvoted by one that is sure. */
  readonly weight: 'sure' | 'likely';
  readonly language: string;
  readonly phrases: string;
}

export const TASK_WORDS: readonly TaskWords[] = [
  // Code
  {
    task: 'code',
    weight: 'sure',
    language: 'en',
    phrases:
      'write a function|write a program|write a script|python function|write code|write the code|write a query|sql query|refactor|debug this|debug the|stack trace|traceback|unit test|unit tests|compile error|compiler error|syntax error|segfault|null pointer|regex|regular expression|pull request|source code|code review|merge conflict|git rebase|git commit|dockerfile|docker compose|kubernetes manifest|npm install|pip install|race condition|memory leak|type error|typeerror|bash script|shell script|python script|javascript function|rest endpoint|leetcode|codebase|write a class|write a method|implement a function|implement a class|implement the|unit testing|backend service|react component|css selector|html page|api endpoint|linter|typescript error|quicksort|merge sort|mergesort|bubble sort|binary search tree|linked list|big o notation|nullpointerexception|null pointer exception|rest api|ci cd|github actions|http server|garbage collector|segmentation fault|sql injection|in python|with python|using python|python code|in javascript|in typescript|in golang|numpy|pandas|pytorch|webpack|asyncio|stored procedure|modulenotfounderror|syntaxerror|keyerror|valueerror|importerror|referenceerror|indexerror',
  },
  {
    task: 'code',
    weight: 'likely',
    language: 'en',
    phrases:
      'code|coding|python|javascript|typescript|java|cpp|rust|golang|kotlin|swift|php|ruby|sql|html|css|bash|react|django|nodejs|node js|api|function|class|compile|debug|bug|implement|algorithm|program|script|repository|database schema|json|yaml|powershell|terraform|postgres|mysql|mongodb|kubernetes|docker|git|exception|array|quicksort|binary search|linked list|big o|frontend|backend|microservice|library|framework|sdk|unit',
  },
  {
    task: 'code',
    weight: 'sure',
    language: 'de',
    phrases:
      'schreibe eine funktion|schreib eine funktion|schreibe ein programm|schreibe ein skript|schreib ein skript|quellcode|programmiere|implementiere|refaktoriere|fehlermeldung im code|regulärer ausdruck|sql abfrage|kompilierfehler|unittest|unittests|python skript|bash skript',
  },
  {
    task: 'code',
    weight: 'sure',
    language: 'fr',
    phrases:
      'écris une fonction|écrire une fonction|écris un programme|écris un script|code source|requête sql|expression régulière|implémente|programme en python|erreur de compilation|tests unitaires|débogue|script bash|script python',
  },
  {
    task: 'code',
    weight: 'sure',
    language: 'es',
    phrases:
      'escribe una función|escribir una función|escribe un programa|escribe un script|código fuente|consulta sql|expresión regular|implementa|programa en python|error de compilación|pruebas unitarias|depura|script de bash|script de python',
  },
  {
    task: 'code',
    weight: 'sure',
    language: 'it',
    phrases:
      'scrivi una funzione|scrivi un programma|scrivi uno script|codice sorgente|query sql|espressione regolare|implementa|programma in python|errore di compilazione|test unitari|script python',
  },
  {
    task: 'code',
    weight: 'sure',
    language: 'pt',
    phrases:
      'escreva uma função|escreve uma função|escreva um programa|escreva um script|código fonte|consulta sql|expressão regular|implemente|programa em python|erro de compilação|testes unitários|depure',
  },
  {
    task: 'code',
    weight: 'sure',
    language: 'nl',
    phrases:
      'schrijf een functie|schrijf een programma|schrijf een script|broncode|implementeer|sql query|reguliere expressie|compileerfout|unittest|programmeer',
  },
  {
    task: 'code',
    weight: 'sure',
    language: 'pl',
    phrases:
      'napisz funkcję|napisz program|napisz skrypt|kod źródłowy|zaimplementuj|zapytanie sql|wyrażenie regularne|błąd kompilacji|testy jednostkowe|zrefaktoryzuj',
  },
  {
    task: 'code',
    weight: 'sure',
    language: 'zh',
    phrases:
      '写一个函数|写个函数|编写函数|编写一个|写一段代码|写代码|代码|程序报错|编译错误|正则表达式|单元测试|重构|脚本|编程|调试|用python|排序算法|微服务',
  },
  {
    task: 'code',
    weight: 'sure',
    language: 'ja',
    phrases:
      '関数を書|コードを書|プログラムを書|スクリプトを書|コード|実装して|正規表現|コンパイルエラー|単体テスト|リファクタリング|デバッグ|pythonで',
  },
  // Maths
  {
    task: 'math',
    weight: 'sure',
    language: 'en',
    phrases:
      'solve for|solve the equation|solve the inequality|solve the system|find the derivative|derivative of|integral of|integrate|evaluate the integral|prove that|what is the sum of|what is the product of|how many integers|how many positive integers|greatest common divisor|least common multiple|square root|quadratic equation|what is the probability|find the value of|find the area|remainder when|simplify the expression|eigenvalues|determinant of|what is the value of|compute the|real numbers|polynomial|factor the|standard deviation of|factorial|prime numbers|modulo|degree measure|find the number of|how many ways|arithmetic sequence|geometric sequence|express your answer|common fraction|hypotenuse|as a percentage of|least possible value|how many different',
  },
  {
    task: 'math',
    weight: 'likely',
    language: 'en',
    phrases:
      'how many|how much|calculate|compute|solve|equation|probability|percent|percentage|fraction|divided by|multiplied by|times as many|twice as many|half as many|total|in total|altogether|remaining|per hour|per day|per week|each|average|triangle|circle|radius|perimeter|theorem|matrix|vector|logarithm|integer|integers|sum|product|square|cube|inequality|algebra|calculus|geometry|evaluate|simplify|profit|interest rate|twice|times|years old|how old|how long|how far|more than|less than|dozen|the rest|left over|cost|costs',
  },
  {
    task: 'math',
    weight: 'sure',
    language: 'de',
    phrases:
      'löse die gleichung|berechne|ableitung von|integral von|beweise dass|wahrscheinlichkeit dass|quadratwurzel|nullstellen|wie viele möglichkeiten|größter gemeinsamer teiler|rechne aus|prozent von',
  },
  {
    task: 'math',
    weight: 'sure',
    language: 'fr',
    phrases:
      'résous l équation|résoudre l équation|calcule|calculer|dérivée de|intégrale de|démontre que|démontrer que|probabilité que|racine carrée|plus grand commun diviseur',
  },
  {
    task: 'math',
    weight: 'sure',
    language: 'es',
    phrases:
      'resuelve la ecuación|resolver la ecuación|calcula|calcular|derivada de|integral de|demuestra que|probabilidad de que|raíz cuadrada|máximo común divisor',
  },
  {
    task: 'math',
    weight: 'sure',
    language: 'it',
    phrases:
      'risolvi l equazione|calcola|derivata di|integrale di|dimostra che|probabilità che|radice quadrata|massimo comune divisore',
  },
  {
    task: 'math',
    weight: 'sure',
    language: 'pt',
    phrases:
      'resolva a equação|calcule|derivada de|integral de|prove que|demonstre que|probabilidade de|raiz quadrada|máximo divisor comum',
  },
  {
    task: 'math',
    weight: 'sure',
    language: 'nl',
    phrases:
      'los de vergelijking op|bereken|afgeleide van|integraal van|bewijs dat|kans dat|vierkantswortel|wortel van',
  },
  {
    task: 'math',
    weight: 'sure',
    language: 'pl',
    phrases: 'rozwiąż równanie|oblicz|pochodną|całkę|udowodnij że|prawdopodobieństwo że|pierwiastek kwadratowy',
  },
  {
    task: 'math',
    weight: 'sure',
    language: 'zh',
    phrases: '解方程|求解|求导|积分|证明|概率是多少|计算|平方根|最大公约数',
  },
  {
    task: 'math',
    weight: 'sure',
    language: 'ja',
    phrases: '方程式を解|計算して|微分|積分|証明して|証明せよ|確率を求め|求めよ|求めなさい|平方根',
  },
  // Translation
  {
    task: 'translation',
    weight: 'sure',
    language: 'en',
    phrases:
      'translate|translation of|translated into|translate into|how do you say|how do i say|how would i say|how would you say|how can i say|how to say|what is the word for|what s the word for|into english|into german|into french|into spanish|into italian|into portuguese|into dutch|into polish|into chinese|into japanese|into korean|into russian|into arabic|you are a translator|translator',
  },
  {
    task: 'translation',
    weight: 'likely',
    language: 'en',
    phrases:
      'in english|in german|in french|in spanish|in italian|in portuguese|in chinese|in japanese|in korean|in russian|in arabic|in dutch|in polish|in hindi|in turkish|in latin|in greek|in swedish|localize|translation|say|word for|words would|equivalent of|equivalent to',
  },
  {
    task: 'translation',
    weight: 'sure',
    language: 'de',
    phrases:
      'übersetze|übersetz|übersetzen|übersetzung|ins englische|ins deutsche|ins französische|ins spanische|wie sagt man|was heißt auf',
  },
  {
    task: 'translation',
    weight: 'sure',
    language: 'fr',
    phrases: 'traduis|traduisez|traduire|traduction|en anglais|en allemand|en espagnol|comment dit on|comment on dit',
  },
  {
    task: 'translation',
    weight: 'sure',
    language: 'es',
    phrases:
      'traduce|traduzca|traducir|traducción|traduzcas|tradúceme|al inglés|al español|al alemán|al francés|cómo se dice',
  },
  {
    task: 'translation',
    weight: 'sure',
    language: 'it',
    phrases: 'traduci|tradurre|traduzione|traducimi|in inglese|in tedesco|in francese|come si dice',
  },
  {
    task: 'translation',
    weight: 'sure',
    language: 'pt',
    phrases: 'traduza|traduz|traduzir|tradução|para o inglês|para inglês|para o português|para o alemão|como se diz',
  },
  {
    task: 'translation',
    weight: 'sure',
    language: 'nl',
    phrases: 'vertaal|vertalen|vertaling|naar het engels|naar het duits|naar het nederlands|hoe zeg je',
  },
  {
    task: 'translation',
    weight: 'sure',
    language: 'pl',
    phrases: 'przetłumacz|tłumaczenie|przetłumaczyć|na angielski|na niemiecki|na polski|jak się mówi|jak powiedzieć po',
  },
  { task: 'translation', weight: 'sure', language: 'zh', phrases: '翻译|译成|译为|用英语怎么说|英语怎么说' },
  { task: 'translation', weight: 'sure', language: 'ja', phrases: '翻訳|訳して|英訳|和訳|英語で何と|英語でなんと' },
  // Summary
  {
    task: 'summary',
    weight: 'sure',
    language: 'en',
    phrases:
      'summarize|summarise|summary|summaries|summarizing|tl dr|tldr|in one sentence what does|key points|key takeaways|main points|condense|boil down|shorten this|executive summary|give me the gist|recap|meeting minutes|abstract of',
  },
  {
    task: 'summary',
    weight: 'sure',
    language: 'de',
    phrases:
      'fasse zusammen|fass zusammen|zusammenfassung|zusammenfassen|zusammen fassen|kernpunkte|wichtigsten punkte|kürze den text|kurzfassung',
  },
  {
    task: 'summary',
    weight: 'likely',
    language: 'de',
    phrases: 'zusammen|fasse|fass|kürze',
  },
  {
    task: 'summary',
    weight: 'sure',
    language: 'fr',
    phrases: 'résume|résumez|résumer|résumé|points clés|points principaux|synthèse|synthétise|en bref',
  },
  {
    task: 'summary',
    weight: 'sure',
    language: 'es',
    phrases: 'resume|resuma|resumen|resumir|resúmeme|puntos clave|puntos principales|síntesis|sintetiza',
  },
  {
    task: 'summary',
    weight: 'sure',
    language: 'it',
    phrases: 'riassumi|riassunto|riassumere|riassumimi|punti chiave|punti principali|sintesi|sintetizza',
  },
  {
    task: 'summary',
    weight: 'sure',
    language: 'pt',
    phrases: 'resuma|resumo|resumir|resume|pontos principais|pontos chave|síntese|sintetize',
  },
  {
    task: 'summary',
    weight: 'sure',
    language: 'nl',
    phrases: 'vat samen|samenvatting|samenvatten|samengevat|belangrijkste punten|kernpunten',
  },
  { task: 'summary', weight: 'likely', language: 'nl', phrases: 'vat|samen' },
  {
    task: 'summary',
    weight: 'sure',
    language: 'pl',
    phrases: 'streść|streszczenie|podsumuj|podsumowanie|najważniejsze punkty|w skrócie',
  },
  { task: 'summary', weight: 'sure', language: 'zh', phrases: '总结|概括|摘要|概述|归纳|要点' },
  { task: 'summary', weight: 'sure', language: 'ja', phrases: '要約|まとめて|概要|要点|サマリー' },
  // Extraction
  {
    task: 'extraction',
    weight: 'sure',
    language: 'en',
    phrases:
      'extract|extract the|pull out|list all names|list all the|find all the names|find all dates|named entities|named entity|entities|parse the following|return as json|as json|into json|fill in the fields|identify all|action items|what are the dates|key value pairs|into a table|as a csv',
  },
  {
    task: 'extraction',
    weight: 'sure',
    language: 'de',
    phrases:
      'extrahiere|extrahieren|ziehe alle|entnimm|finde alle namen|liste alle|als json|entitäten|welche personen werden',
  },
  {
    task: 'extraction',
    weight: 'sure',
    language: 'fr',
    phrases: 'extrais|extraire|extrayez|relève tous|liste tous|liste toutes|entités nommées|au format json|en json',
  },
  {
    task: 'extraction',
    weight: 'sure',
    language: 'es',
    phrases: 'extrae|extraiga|extraer|enumera todos|lista todos|lista todas|entidades|en formato json|en json',
  },
  {
    task: 'extraction',
    weight: 'sure',
    language: 'it',
    phrases: 'estrai|estrarre|elenca tutti|elenca tutte|entità|in formato json',
  },
  {
    task: 'extraction',
    weight: 'sure',
    language: 'pt',
    phrases: 'extraia|extrai|extrair|liste todos|liste todas|entidades|em formato json|em json',
  },
  {
    task: 'extraction',
    weight: 'sure',
    language: 'nl',
    phrases: 'haal alle|extraheer|lijst alle|noem alle namen|entiteiten|als json',
  },
  {
    task: 'extraction',
    weight: 'sure',
    language: 'pl',
    phrases: 'wyodrębnij|wyciągnij|wypisz wszystkie|encje|w formacie json|jako json',
  },
  { task: 'extraction', weight: 'sure', language: 'zh', phrases: '提取|抽取|找出所有|列出所有|实体' },
  { task: 'extraction', weight: 'sure', language: 'ja', phrases: '抽出|抜き出|書き出して|固有表現|取り出して' },
  // Classification
  {
    task: 'classification',
    weight: 'sure',
    language: 'en',
    phrases:
      'classify|categorize|categorise|classification|sentiment of|sentiment analysis|what is the sentiment|positive or negative|positive negative or neutral|positive neutral or negative|label the|label this|label each|which category|which of these categories|is this spam|spam or ham|spam or not|true or false|rate the sentiment|intent of|assign a label|assign one of|toxic or not|one of the following categories|choose one of the labels|answer with one word',
  },
  {
    task: 'classification',
    weight: 'sure',
    language: 'de',
    phrases:
      'klassifiziere|kategorisiere|ordne zu|stimmung dieses|positiv oder negativ|positiv negativ oder neutral|welche kategorie|welcher kategorie|einordnen|sentiment',
  },
  {
    task: 'classification',
    weight: 'sure',
    language: 'fr',
    phrases:
      'classe ce|classifie|classifier|catégorise|quel est le sentiment|positif ou négatif|quelle catégorie|sentiment de',
  },
  {
    task: 'classification',
    weight: 'sure',
    language: 'es',
    phrases:
      'clasifica|clasificar|clasifique|categoriza|sentimiento|positivo o negativo|qué categoría|positiva o negativa',
  },
  {
    task: 'classification',
    weight: 'sure',
    language: 'it',
    phrases: 'classifica|classificare|categorizza|sentimento|positivo o negativo|quale categoria|positiva o negativa',
  },
  {
    task: 'classification',
    weight: 'sure',
    language: 'pt',
    phrases: 'classifique|classificar|categorize|sentimento|positivo ou negativo|qual categoria|positiva ou negativa',
  },
  {
    task: 'classification',
    weight: 'sure',
    language: 'nl',
    phrases: 'classificeer|categoriseer|sentiment|positief of negatief|welke categorie',
  },
  {
    task: 'classification',
    weight: 'sure',
    language: 'pl',
    phrases:
      'sklasyfikuj|zaklasyfikuj|przypisz kategorię|sentyment|pozytywna czy negatywna|pozytywny czy negatywny|do której kategorii|jaka kategoria',
  },
  {
    task: 'classification',
    weight: 'sure',
    language: 'zh',
    phrases: '分类|归类|情感分析|情感倾向|正面还是负面|属于哪一类|判断以下',
  },
  {
    task: 'classification',
    weight: 'sure',
    language: 'ja',
    phrases: '分類|カテゴリ|感情分析|ポジティブかネガティブ|肯定的か否定的|判定して',
  },
  // Creative
  {
    task: 'creative',
    weight: 'sure',
    language: 'en',
    phrases:
      'write a poem|write a story|short story|write a song|poem about|haiku|limerick|sonnet|write lyrics|lyrics|screenplay|fairy tale|write a blog post|blog post|write an essay|write an article|slogan|tagline|headline|headlines|write a novel|creative|fictional|brainstorm|write a scene|dialogue between|write a speech|cover letter|marketing copy|ad copy|product description|write a letter|write an email|draft an email|newsletter|social media post|tweet about|linkedin post|name ideas|names for|bedtime story|role play|roleplay|world building|love letter|toast for|write a joke|tell me a joke|joke about|rap about',
  },
  {
    task: 'creative',
    weight: 'sure',
    language: 'de',
    phrases:
      'schreibe ein gedicht|schreib ein gedicht|gedicht über|schreibe eine geschichte|schreib eine geschichte|kurzgeschichte|liedtext|märchen|slogan|werbetext|blogbeitrag|schreibe einen artikel|rede für|drehbuch|überschriften|schreibe eine e mail|schreib eine e mail|schreib eine mail|anschreiben|witz über|erzähl mir einen witz|gutenachtgeschichte',
  },
  {
    task: 'creative',
    weight: 'sure',
    language: 'fr',
    phrases:
      'écris un poème|écris une histoire|poème sur|raconte une histoire|conte|chanson|slogan|article de blog|écris un article|discours|scénario|lettre de motivation|rédige un e mail|rédige un mail|rédige une lettre|blague',
  },
  {
    task: 'creative',
    weight: 'sure',
    language: 'es',
    phrases:
      'escribe un poema|escribe un cuento|escribe una historia|poema sobre|cuento|canción|eslogan|artículo de blog|entrada de blog|discurso|guion|carta de presentación|redacta un correo|escribe un correo|escribe una carta|chiste',
  },
  {
    task: 'creative',
    weight: 'sure',
    language: 'it',
    phrases:
      'scrivi una poesia|scrivi una storia|scrivi un racconto|poesia su|racconto|canzone|slogan|articolo per il blog|discorso|sceneggiatura|lettera di presentazione|scrivi una mail|scrivi un email|scrivi una lettera|barzelletta|favola',
  },
  {
    task: 'creative',
    weight: 'sure',
    language: 'pt',
    phrases:
      'escreva um poema|escreva uma história|escreve um poema|poema sobre|conto|canção|slogan|post de blog|discurso|roteiro|carta de apresentação|escreva um e mail|escreva uma carta|piada',
  },
  {
    task: 'creative',
    weight: 'sure',
    language: 'nl',
    phrases:
      'schrijf een gedicht|schrijf een verhaal|gedicht over|kort verhaal|liedje|slogan|blogpost|toespraak|motivatiebrief|schrijf een e mail|schrijf een mail|schrijf een brief|mop|sprookje',
  },
  {
    task: 'creative',
    weight: 'sure',
    language: 'pl',
    phrases:
      'napisz wiersz|napisz opowiadanie|napisz historię|wiersz o|opowiadanie|bajka|bajkę|piosenkę|slogan|wpis na bloga|przemówienie|list motywacyjny|napisz e mail|napisz maila|napisz list|żart|dowcip',
  },
  {
    task: 'creative',
    weight: 'sure',
    language: 'zh',
    phrases:
      '写一首诗|写首诗|写一个故事|写个故事|讲个故事|写一篇文章|写一篇|标语|口号|广告文案|文案|歌词|剧本|笑话|写一封',
  },
  {
    task: 'creative',
    weight: 'sure',
    language: 'ja',
    phrases:
      '詩を書|物語を書|俳句|短編小説|小説を書|歌詞|キャッチコピー|ブログ記事|スピーチ|ジョーク|メールを書いて|手紙を書',
  },
  // Analysis
  {
    task: 'analysis',
    weight: 'sure',
    language: 'en',
    phrases:
      'analyze|analyse|analysis of|compare and contrast|pros and cons|trade offs|tradeoffs|evaluate the impact|root cause|root cause analysis|critically assess|assess the|swot|from first principles|implications of|advantages and disadvantages|compare the|weigh the|what are the risks|examine the|feasibility|draw conclusions|interpret the results|failure modes|strengths and weaknesses|step by step plan|strategy for|explain the difference between|explain why|in depth',
  },
  {
    task: 'analysis',
    weight: 'likely',
    language: 'en',
    phrases:
      'compare|versus|vs|difference between|differences between|evaluate|assess|why does|why do|why is|impact of|trend|trends|explain how|investigate|review|design a|plan',
  },
  {
    task: 'analysis',
    weight: 'sure',
    language: 'de',
    phrases:
      'analysiere|analysieren|analyse|vergleiche|vor und nachteile|bewerte|beurteile|erörtere|auswirkungen|ursachen|welche risiken|unterschiede zwischen|stärken und schwächen|interpretiere',
  },
  {
    task: 'analysis',
    weight: 'sure',
    language: 'fr',
    phrases:
      'analyse|analyser|analysez|compare|comparez|avantages et inconvénients|évalue|évaluez|causes de|quels sont les risques|impact de|différences entre|forces et faiblesses',
  },
  {
    task: 'analysis',
    weight: 'sure',
    language: 'es',
    phrases:
      'analiza|analice|analizar|análisis|compara|compare|ventajas y desventajas|evalúa|evalúe|causas de|cuáles son los riesgos|impacto de|diferencias entre|fortalezas y debilidades',
  },
  {
    task: 'analysis',
    weight: 'sure',
    language: 'it',
    phrases:
      'analizza|analizzare|analisi|confronta|vantaggi e svantaggi|valuta|cause di|quali sono i rischi|impatto di|differenze tra|punti di forza e di debolezza',
  },
  {
    task: 'analysis',
    weight: 'sure',
    language: 'pt',
    phrases:
      'analise|analisar|análise|compare|vantagens e desvantagens|avalie|causas de|quais são os riscos|impacto de|diferenças entre|pontos fortes e fracos',
  },
  {
    task: 'analysis',
    weight: 'sure',
    language: 'nl',
    phrases:
      'analyseer|analyse|vergelijk|voor en nadelen|beoordeel|oorzaken van|welke risico s|gevolgen van|verschillen tussen|sterke en zwakke punten',
  },
  {
    task: 'analysis',
    weight: 'sure',
    language: 'pl',
    phrases:
      'przeanalizuj|analiza|porównaj|wady i zalety|zalety i wady|oceń|przyczyny|jakie są zagrożenia|wpływ|różnice między|mocne i słabe strony',
  },
  { task: 'analysis', weight: 'sure', language: 'zh', phrases: '分析|比较|对比|优缺点|评估|利弊|原因是什么|区别' },
  {
    task: 'analysis',
    weight: 'sure',
    language: 'ja',
    phrases: '分析|比較|長所と短所|メリットとデメリット|評価して|原因|違いを',
  },
];
