/** Words of health, in ten languages: diseases, findings, treatments; and words for the person whose they are. Data, one phrase between bars. */

/** Said of a person only when that person's health is meant. */
export const HEALTH_SURE: Readonly<Record<string, string>> = {
  en: 'diagnosed with|my diagnosis|his diagnosis|her diagnosis|hiv positive|my medication|my doctor prescribed|my prescription|my symptoms|medical record|patient record|discharge summary|discharge letter|my chemotherapy|my therapist|my psychiatrist|my depression|my anxiety|my disability|my pregnancy|my miscarriage|my blood test|my blood pressure|my biopsy|my cancer|my diabetes|my asthma|my adhd|my insulin|my antidepressants|health insurance number',
  de: 'diagnostiziert mit|wurde diagnostiziert|meine diagnose|seine diagnose|ihre diagnose|meine medikamente|mein arzt|meine ärztin|patientenakte|krankenakte|arztbrief|mein therapeut|meine therapie|meine depression|meine symptome|meine schwangerschaft|mein blutdruck|meine operation|krankgeschrieben|meine krankheit|mein krebs|mein diabetes',
  fr: 'diagnostiqué|diagnostiquée|mon diagnostic|son diagnostic|mes médicaments|mon médecin|dossier médical|mon ordonnance|mes symptômes|ma dépression|ma grossesse|ma tension|mon cancer|mon diabète|arrêt maladie|compte rendu médical|antécédents médicaux|séropositif|séropositive',
  es: 'diagnosticado|diagnosticada|mi diagnóstico|su diagnóstico|mis medicamentos|mi médico|historia clínica|historial médico|mi receta|mis síntomas|mi depresión|mi embarazo|mi tensión|mi cáncer|mi diabetes|baja médica|seropositivo|seropositiva',
  it: 'diagnosticato|diagnosticata|la mia diagnosi|i miei farmaci|il mio medico|cartella clinica|i miei sintomi|la mia depressione|la mia gravidanza|il mio tumore|il mio diabete|sieropositivo|sieropositiva',
  pt: 'diagnosticado|diagnosticada|meu diagnóstico|meus medicamentos|meu médico|prontuário médico|meus sintomas|minha depressão|minha gravidez|meu câncer|meu diabetes|soropositivo|histórico médico',
  nl: 'gediagnosticeerd|mijn diagnose|mijn medicijnen|mijn huisarts|medisch dossier|patiëntendossier|mijn symptomen|mijn depressie|mijn zwangerschap|mijn bloeddruk|mijn kanker|ziekgemeld',
  pl: 'zdiagnozowano|zdiagnozowany|zdiagnozowana|moja diagnoza|moje leki|mój lekarz|karta pacjenta|dokumentacja medyczna|moje objawy|moja depresja|moja ciąża|mój rak|moja cukrzyca|zwolnienie lekarskie',
  zh: '被诊断|确诊|我的病历|病历|我的症状|我怀孕|我的血压|我的抑郁|我得了|服用药物|检查报告显示',
  ja: '診断され|私の症状|カルテ|私の薬|妊娠して|血圧が|うつ病と|処方され|通院して|持病',
};

/** Terms of medicine: of a person only where a word for the person stands beside them. */
export const HEALTH_TERMS: Readonly<Record<string, string>> = {
  en: 'cancer|leukemia|leukaemia|lymphoma|melanoma|tumor|tumour|metastasis|metastases|carcinoma|chemotherapy|radiotherapy|radiation therapy|diabetes|diabetic|insulin|metformin|hba1c|hypertension|asthma|copd|epilepsy|seizures|heart attack|angina|arrhythmia|atrial fibrillation|hiv|hepatitis|tuberculosis|pneumonia|covid|syphilis|chlamydia|gonorrhea|herpes|depression|antidepressant|antidepressants|sertraline|fluoxetine|prozac|zoloft|bipolar|schizophrenia|psychosis|ptsd|adhd|autism|autistic|anorexia|bulimia|eating disorder|panic attacks|anxiety disorder|suicidal|self harm|overdose|alcoholism|methadone|pregnant|pregnancy|miscarriage|abortion|ivf|infertility|endometriosis|menopause|dementia|alzheimer|alzheimers|parkinson|parkinsons|multiple sclerosis|lupus|crohn|crohns|colitis|celiac|arthritis|osteoporosis|migraine|migraines|anemia|thyroid|hypothyroidism|kidney failure|dialysis|biopsy|mri|ct scan|x ray|mammogram|colonoscopy|blood test|blood pressure|warfarin|statin|antibiotics|prednisone|oxycodone|opioids|ibuprofen|oncologist|psychiatrist|psychotherapy|chest pain|shortness of breath|allergic to|icd 10|erectile dysfunction|prostate|ovarian',
  de: 'krebs|brustkrebs|tumor|chemotherapie|bestrahlung|diabetes|zuckerkrank|insulin|bluthochdruck|asthma|epilepsie|schlaganfall|herzinfarkt|hiv|hepatitis|depression|depressionen|antidepressiva|bipolar|schizophrenie|burnout|adhs|autismus|magersucht|suizid|suizidgedanken|alkoholiker|schwanger|schwangerschaft|fehlgeburt|abtreibung|demenz|alzheimer|parkinson|multiple sklerose|rheuma|migräne|dialyse|biopsie|mrt|blutwerte|blutdruck|symptome|allergie|allergisch|fieber|ausschlag|psychiater|psychotherapie|medikamente|schilddrüse|bandscheibenvorfall',
  fr: 'cancer|tumeur|chimiothérapie|radiothérapie|diabète|diabétique|insuline|hypertension|asthme|épilepsie|infarctus|vih|hépatite|dépression|antidépresseurs|bipolaire|schizophrénie|burn out|tdah|autisme|anorexie|suicidaire|alcoolisme|enceinte|grossesse|fausse couche|avortement|démence|alzheimer|parkinson|sclérose en plaques|arthrite|migraine|dialyse|biopsie|irm|prise de sang|chirurgie|symptômes|allergique|fièvre|psychiatre|thyroïde',
  es: 'cáncer|tumor|quimioterapia|radioterapia|diabetes|diabético|diabética|insulina|hipertensión|asma|epilepsia|infarto|vih|hepatitis|depresión|antidepresivos|bipolar|esquizofrenia|tdah|autismo|anorexia|suicida|adicción|alcoholismo|embarazada|embarazo|aborto|demencia|alzheimer|parkinson|esclerosis múltiple|artritis|migraña|diálisis|biopsia|resonancia|análisis de sangre|cirugía|diagnóstico|síntomas|alérgico|alérgica|fiebre|psiquiatra|tiroides',
  it: 'cancro|tumore|chemioterapia|radioterapia|diabete|diabetico|diabetica|insulina|ipertensione|asma|epilessia|infarto|hiv|epatite|depressione|antidepressivi|bipolare|schizofrenia|adhd|autismo|anoressia|suicidio|dipendenza|alcolismo|incinta|gravidanza|aborto|demenza|alzheimer|parkinson|sclerosi multipla|artrite|emicrania|dialisi|biopsia|risonanza|analisi del sangue|intervento chirurgico|diagnosi|sintomi|allergico|allergica|febbre|psichiatra|tiroide',
  pt: 'câncer|cancro|tumor|quimioterapia|radioterapia|diabetes|diabético|diabética|insulina|hipertensão|asma|epilepsia|infarto|enfarte|hiv|hepatite|depressão|antidepressivos|bipolar|esquizofrenia|tdah|autismo|anorexia|suicida|dependência|alcoolismo|grávida|gravidez|aborto|demência|alzheimer|parkinson|esclerose múltipla|artrite|enxaqueca|diálise|biópsia|ressonância|exame de sangue|cirurgia|diagnóstico|sintomas|alérgico|alérgica|febre|psiquiatra|tireoide',
  nl: 'kanker|borstkanker|tumor|chemotherapie|bestraling|diabetes|suikerziekte|insuline|hoge bloeddruk|astma|epilepsie|beroerte|hartaanval|hiv|hepatitis|depressie|antidepressiva|bipolair|schizofrenie|burn out|adhd|autisme|anorexia|suïcidaal|verslaving|zwanger|zwangerschap|miskraam|abortus|dementie|alzheimer|parkinson|multiple sclerose|reuma|migraine|dialyse|biopsie|mri|bloedonderzoek|symptomen|allergisch|koorts|psychiater|schildklier',
  pl: 'raka|nowotwór|guz|chemioterapia|radioterapia|cukrzyca|cukrzycę|insulina|nadciśnienie|astma|padaczka|udar|zawał|hiv|zapalenie wątroby|depresja|depresję|antydepresanty|dwubiegunowa|schizofrenia|adhd|autyzm|anoreksja|uzależnienie|alkoholizm|ciąża|ciąży|poronienie|aborcja|demencja|alzheimer|parkinson|stwardnienie rozsiane|migrena|dializa|biopsja|rezonans|badanie krwi|operacja|diagnoza|objawy|alergia|gorączka|psychiatra|tarczyca',
  zh: '癌症|肿瘤|化疗|放疗|糖尿病|胰岛素|高血压|哮喘|癫痫|中风|心脏病|艾滋病|肝炎|抑郁症|焦虑症|双相|精神分裂|自闭症|怀孕|流产|痴呆|帕金森|透析|活检|手术|诊断|症状|过敏|发烧',
  ja: '癌|がん|腫瘍|化学療法|糖尿病|インスリン|高血圧|喘息|てんかん|脳卒中|心筋梗塞|肝炎|うつ病|統合失調症|自閉症|妊娠|流産|認知症|透析|手術|診断|症状|アレルギー|発熱',
};

/** Terms that are said of much else as well: only the writer, kin or a patient beside them makes them health. */
export const HEALTH_WEAK: Readonly<Record<string, string>> = {
  en: 'stroke|surgery|fracture|ulcer|symptoms|diagnosis|prognosis|vaccinated|rehab|seizure|transplant|concussion|fever|rash|cholesterol|prescribed|tested positive for|medical history|medical records|pills',
  de: 'operation|diagnose|sucht|befund',
  fr: 'avc|diagnostic|sida|addiction',
  es: 'sida|ictus',
  it: 'aids|ictus',
  pt: 'avc',
  nl: 'operatie|diagnose',
  pl: 'rak',
};

/** The writer, kin, a patient. Not `you` and `someone`, who are nobody. */
export const OWN_WORDS: Readonly<Record<string, string>> = {
  en: 'i have|i had|i am|i m|i ve|i was|i got|i take|i suffer|my|patient|patient s|my son|my daughter|my wife|my husband|my mother|my father|our son|our daughter',
  de: 'ich|mein|meine|meiner|meinem|meinen|mich|mir|unser|unsere|patientin',
  fr: 'je|j ai|mon|ma|mes|notre|patiente',
  es: 'yo|mi|mis|tengo|estoy|nuestro|nuestra|paciente|padezco|sufro',
  it: 'mio|mia|miei|mie|ho|nostro|paziente|soffro',
  pt: 'eu|meu|minha|meus|minhas|tenho|estou|nosso|paciente|sofro',
  nl: 'ik|mijn|onze|patiënt|patiënte',
  pl: 'mój|moja|moje|mam|jestem|mnie|nasz|pacjent|pacjentka',
  zh: '我|患者|病人',
  ja: '私|僕|患者|母が|父が|妻が|夫が|息子|娘',
};

/** Somebody who is spoken of. */
export const OTHER_WORDS: Readonly<Record<string, string>> = {
  en: 'he has|she has|he had|she had|he is|she is|suffers from|employee|mr|mrs|ms|year old',
  de: 'herr|frau|mitarbeiter|mitarbeiterin|leidet|er hat|sie hat',
  fr: 'monsieur|madame|mme|souffre|salarié|salariée|il a|elle a',
  es: 'señor|señora|sufre|padece|empleado|empleada|él tiene|ella tiene',
  it: 'signor|signora|soffre|dipendente|lui ha|lei ha',
  pt: 'senhor|senhora|sofre|funcionário|funcionária|ele tem|ela tem',
  nl: 'meneer|mevrouw|lijdt|werknemer|hij heeft|zij heeft',
  pl: 'cierpi|pracownik|pracownica|on ma|ona ma',
  zh: '先生|女士|他患|她患|他有|她有',
  ja: 'さんは|彼は|彼女は',
};
