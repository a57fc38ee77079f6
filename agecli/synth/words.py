"""Word lists, and the pieces of text that profiles are put together from.

The lists are large on purpose: 100,000 names of companies with 7,000 endings, 40,000 schools, 8,000 degrees,
3,000 titles with 1,000 teams, 3,000 skills, so that the columns compress like real ones. All are built from
shorter lists by combination, in an order that is fixed, so that an index into a table means the same text in
every process and on every machine.

Every name is invented. Addresses and links are at reserved example domains.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int32]


def _spaced(text: str) -> list[str]:
    return text.split()


def _barred(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("|")]


FIRST_NAMES = _spaced("""
    james mary robert patricia john jennifer michael linda david elizabeth william barbara richard susan joseph
    jessica thomas sarah charles karen daniel lisa matthew nancy anthony betty mark sandra steven ashley paul
    emily andrew kimberly joshua margaret kenneth donna kevin michelle brian carol george amanda timothy melissa
    ronald deborah jason stephanie ryan rebecca jacob sharon gary laura nicholas cynthia eric amy jonathan
    kathleen stephen angela larry shirley justin emma scott brenda brandon pamela benjamin nicole samuel anna
    gregory samantha frank katherine raymond christine patrick helen jack debra dennis rachel wei ling hiroshi
    yuki priya arjun fatima omar chen mei jose maria luis ana carlos sofia diego lucia giulia marco pierre
    camille hans ingrid lars astrid olga dmitri svetlana ivan kofi ama chidi ngozi thandiwe sipho aisha yusuf
    leila reza noor tariq mateo valentina joao beatriz kenji sakura minjun jiwoo siobhan cormac rhys cerys
    eilidh callum greta anders freya bjorn
""")
LAST_NAMES = _spaced("""
    smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson
    anderson thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis
    robinson walker young allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera
    campbell mitchell carter roberts gomez phillips evans turner diaz parker cruz edwards collins reyes stewart
    morris morales murphy cook rogers gutierrez ortiz morgan cooper peterson bailey reed kelly howard ramos kim
    cox ward richardson watson brooks chavez wood james bennett gray mendoza ruiz hughes price alvarez castillo
    sanders patel myers long ross foster jimenez tanaka suzuki sato watanabe kowalski nowak novak horvat ivanov
    petrov popov andersen hansen johansson lindqvist virtanen muller schmidt schneider fischer weber rossi russo
    ferrari bianchi dubois lefevre moreau silva santos oliveira okafor mensah dlamini khan ahmed hussain rahman
    chowdhury sharma gupta reddy iyer wang zhang liu yang huang zhao park choi jung
""")
# Towns and family names are made of a stem and an ending, brands of three syllables.
TOWN_STEMS = _spaced("""
    Ald Ambl Ash Barn Beck Bel Birch Blay Bram Brent Brook Calder Carn Chel Clay Cold Cran Crow Dal Darl Dun
    East Eg Elm Fair Fal Farn Fern Glen Gold Grand Hal Hart Haw Hazel High Holm Horn Ing Kel Kings Lam Lang Law
    Lin Long Maple Mar Mel Mid Mill Mor Nether New North Nor Oak Old Orm Ox Pem Pen Pick Pine Quarr Rad Rams Red
    River Rock Rose Rush Sand Sel Shel Silver South Stan Stone Strat Sum Sun Sut Swan Thorn Tam Tor Up Vern Wal
    War Water West Whit Wil Win Wood Wy York
""")
TOWN_ENDINGS = _spaced("""
    borough bourne bridge brook burgh bury by castle chester cliff combe cote dale den don fell field firth ford
    gate glen grove ham haven hill holt hurst ington ley mere minster moor mouth ness port ridge shaw side stead
    stoke ton vale view ville water well wich wick wood worth
""")
FAMILY_STEMS = _spaced("""
    abern adler agar albr alm ambr ander arn aus bar beck berg bjork blan bor brand cal car castel chand dal del
    dorn eck ekl fern fitz gal gold grun hag hal hav holm jan kal kar kov kram lag lind lor mac mal mend mont
    nav nor ol pal pet quin rad ros sal sand stein tor val wal zim
""")
FAMILY_ENDINGS = _spaced("""
    aro berg burn dal der di do ek ell en er es ett feld gaard gren han i ian ic in ini ka kamp lund man mann
    mark mas meyer moto nen o off oglu os ov ovic qvist rup sen ska sky son stad stein stone strom ton uk ura
    vald wicz ya yama zadeh
""")
SYLLABLES = (
    _spaced("""
        Al An Ar Bel Bri Cal Cor Da Del Dy En Ex Fe Fi Gal Gen Ha Hy In Jo Ka Ki La Lu Lyn Ma Me Mo Na Ne No O
        Or Pa Pra Qua Ra Re Ri Sa Si So Ta Te Tri U Va Ve Vi Wa Xe Ya Ze Zo
    """),
    _spaced("""
        ba bri ca cel da di do fe ga gi la li lo ma mi mu na ne no pa pi ra ri ro sa se si ta te ti to va ve vi
        xa zi zo
    """),
    _spaced("""
        bit co cus dex dia don fy gen graph ix kin lab lane lia link loop lux lytics max metric mind mio nex nix
        nova on ora pay plex pulse quo ra rise scape sys tas tech tera tix ty va via vid vine vio wave wise
        works xa yx zen zy
    """),
)
PLACES = _spaced("""
    Abbotsford Ashland Aurora Avalon Bayview Beaumont Bedford Belmont Berwick Birchwood Blackstone Bloomfield
    Boulder Bradford Brentwood Bridgeport Brighton Bristol Brookfield Burlington Calder Camden Canterbury
    Carlisle Cascade Cedar Chatham Chester Clayton Clearwater Clifton Cobalt Concord Copper Coral Cornwall
    Crescent Crystal Dalton Danbury Davenport Dayton Delta Denmark Dover Dunmore Eastgate Echo Edgewater Elmwood
    Ember Everest Evergreen Fairfield Falcon Fenwick Forest Foxglove Franklin Garnet Geneva Glacier Glenwood
    Golden Granite Greenfield Grove Halcyon Hamilton Harbor Harrow Hartford Hawthorne Hazel Helios Heron
    Highland Hudson Huntley Iris Ironwood Ivory Jasper Juniper Keystone Kingston Lakeside Lancaster Larkspur
    Laurel Liberty Lincoln Linden Lotus Lunar Madison Magnolia Maple Marigold Marlow Mayfield Meridian Midland
    Milford Monarch Montrose Nimbus Northgate Norwood Nova Oakridge Oakwood Olympus Onyx Orchard Orion Osprey
    Oxford Pacific Palisade Paragon Pemberton Phoenix Pinecrest Pioneer Polar Prairie Princeton Quartz Quincy
    Radnor Raven Redwood Ridgeway Rivera Riverside Rockford Rosewood Rowan Sable Salem Sapphire Seaview Sequoia
    Sheffield Sierra Silverton Solstice Somerset Sparrow Stanton Sterling Stonebridge Summit Sunrise Sutton
    Sycamore Tamarack Thornton Trillium Trinity Union Valley Vanguard Verdant Vernon Vista Walden Warwick
    Waterford Waverly Wellington Westbrook Weston Wexford Whitfield Willow Winchester Windsor Winslow Woodland
    Wyndham York Zenith Zephyr Århus Bogotá Córdoba Genève Gdańsk Göteborg Köln Łódź Málaga Montréal München
    Orléans Reykjavík São-Paulo Zürich
""")
TRADES = _spaced("""
    Analytics Automotive Bank Biotech Brewing Builders Capital Chemicals Cloud Construction Consulting Data
    Dental Design Devices Dynamics Education Electric Energy Engineering Farms Finance Foods Freight Games
    Genetics Glass Health Homes Hospital Hotels Imaging Industries Insurance Interiors Labs Legal Logistics
    Machines Marine Market Media Medical Metals Mining Mobility Motors Networks Nutrition Optics Outdoor Paper
    Partners Pharma Plastics Power Press Properties Recruiting Research Restaurants Retail Robotics Security
    Semiconductors Shipping Software Solar Sports Staffing Steel Studios Systems Telecom Textiles Tools Toys
    Trading Travel Trust Ventures Water Wines
""")
SUFFIXES = ("", " Inc", " LLC", " Ltd", " Group", " GmbH", " & Co.", " Corp.", " S.A.", " Holdings")
ODD_COMPANIES = (
    r"Joe \"Ace\" Miller & Sons", r"株式会社さくら", r"Caf\u00e9 Ol\u00e9", r"R\\D Works", r"L'Étoile d'Or",
    r"\"The\" Agency", r"Ünlü Yazılım A.Ş.", r"ООО Ромашка", r"Smith\/Jones LLP", r"Tab\tStop Media",
    r"北京云杉科技", r"Launch \ud83d\ude80 Labs", r"שמש בע״מ", r"Self-employed", r"Freelance", r"C:\\Temp Staffing",
    r"Größer & Söhne KG", r"Crème Brûlée SARL", r"😀 Toys",
)  # fmt: skip
FIELDS = _barred("""
    Accounting|Aerospace Engineering|Agriculture|Anthropology|Applied Mathematics|Architecture|Art History|
    Biochemistry|Biology|Biomedical Engineering|Business Administration|Chemical Engineering|Chemistry|
    Civil Engineering|Classics|Communications|Computer Engineering|Computer Science|Criminal Justice|
    Data Science|Dentistry|Design|Drama|Economics|Education|Electrical Engineering|English Literature|
    Environmental Science|Film Studies|Finance|Fine Arts|Food Science|Forestry|French|Genetics|Geography|
    Geology|German|Graphic Design|Health Administration|History|Hospitality Management|Human Resources|
    Industrial Design|Information Systems|International Relations|Journalism|Kinesiology|Landscape Planning|Law|
    Linguistics|Logistics|Management|Marine Biology|Marketing|Materials Science|Mathematics|
    Mechanical Engineering|Medicine|Microbiology|Music|Neuroscience|Nursing|Nutrition|Operations Research|
    Pharmacy|Philosophy|Physics|Political Science|Psychology|Public Health|Public Policy|Real Estate|
    Religious Studies|Social Work|Sociology|Software Engineering|Spanish|Statistics|Supply Chain|Textile Design|
    Theology|Tourism|Urban Planning|Zoology
""")
# Levels of education, in order; a degree's text says its level and nothing else does.
EDUCATION_LEVELS = ("other", "high school", "associate", "bachelor", "master", "doctor")
DEGREE_FORMS: tuple[tuple[str, ...], ...] = (
    ("Certificate in {}", "{}", "Coursework, {}", "Licence Professionnelle {}", "Diplom {}"),
    ("High School Diploma", "High School Diploma, {}", "GED", "Secondary School"),
    ("Associate of Arts, {}", "Associate of Science, {}", "Associate's Degree in {}", "A.A.S. {}"),
    ("Bachelor of Science in {}", "Bachelor of Arts, {}", "BSc, {}", "B.A. {}", "B.S. {}", "Bachelor's degree, {}"),
    (
        "Master of Science in {}",
        "Master of Arts, {}",
        "MSc, {}",
        "M.A. {}",
        "MBA",
        "MBA, {}",
        'Master\'s degree \\"{}\\"',
    ),
    ("Doctor of Philosophy, {}", "Ph.D. {}", "PhD, {}", "Juris Doctor", "Doctor of Medicine", "Doctorate, {}"),
)
SCHOOL_FORMS = (
    "University of {}", "{} State University", "{} College", "{} Institute of Technology", "{} University",
    "{} Community College", "{} School of Business", "Université de {}", "Hochschule {}", "Universidad de {}",
    "St. {}'s College", "{} Polytechnic", "The \\\"{}\\\" Academy", "{} A&M", "{}大学", "Royal College of {}",
    "{} School of Law", "{} Technical Institute", "Universität {}", "{} High School",
)  # fmt: skip
ROLES = _barred("""
    Account Executive|Accountant|Actuary|Administrator|Analyst|Architect|Attorney|Auditor|Baker|Banker|
    Biologist|Brand Strategist|Business Analyst|Buyer|Carpenter|Chemist|Claims Adjuster|Clinical Researcher|
    Compliance Officer|Consultant|Copywriter|Counselor|Customer Success Specialist|Data Analyst|Data Engineer|
    Data Scientist|Dental Hygienist|Dentist|Designer|Developer|DevOps Engineer|Dispatcher|Economist|Editor|
    Electrician|Engineer|Estimator|Event Planner|Facilities Coordinator|Financial Advisor|Financial Analyst|
    Flight Attendant|Geologist|Graphic Designer|Hardware Engineer|HR Specialist|Illustrator|Industrial Engineer|
    Inspector|Instructor|Interior Designer|Journalist|Lab Technician|Librarian|Loan Officer|
    Logistics Coordinator|Machinist|Marketing Specialist|Mechanic|Mechanical Engineer|Merchandiser|
    Network Engineer|Nurse|Nutritionist|Occupational Therapist|Office Coordinator|Operations Analyst|Optician|
    Paralegal|Pharmacist|Photographer|Physical Therapist|Physician|Pilot|Planner|Plumber|Policy Analyst|
    Process Engineer|Procurement Specialist|Producer|Product Designer|Professor|Programmer|Psychologist|
    Purchasing Agent|QA Engineer|Quality Inspector|Radiographer|Realtor|Recruiter|Registered Nurse|Reporter|
    Researcher|Risk Analyst|Sales Representative|Scientist|Security Engineer|Site Engineer|Social Worker|
    Software Engineer|Solutions Architect|Statistician|Strategist|Support Specialist|Surveyor|Systems Engineer|
    Tax Advisor|Teacher|Technical Writer|Technician|Therapist|Translator|Treasurer|Tutor|Underwriter|
    UX Designer|Veterinarian|Videographer|Warehouse Associate|Web Developer|Welder|Writer
""")
# Forms of a title by seniority 0 to 7; `queries/profiles/features.sql` reads them back.
TITLE_FORMS: tuple[tuple[str, ...], ...] = (
    ("Junior {}", "{} Intern", "Jr. {}", "Trainee {}"),
    ("{}", "{} II", "{}, EMEA", "{} - Night Shift"),
    ("Senior {}", "Sr. {}", "Senior {} III"),
    ("Lead {}", "Principal {}", "Staff {}"),
    ("{} Manager", "Manager, {}", "Regional Manager {}"),
    ("Director, {}", "Head of {}s", "{} Director"),
    ("VP {}", "Vice President, {}", "SVP {}s"),
    ("Chief {}", "President & {}", "Founder / {}", "Owner, {}"),
)
SKILL_HEADS = _barred("""
    Data|Project|Financial|Product|Risk|Supply Chain|Customer|Digital|Technical|Business|Clinical|Network|
    Quality|Sales|Brand|Content|Event|Inventory|Machine|Cloud|Mobile|Web|Social Media|Public|Human|Process|
    Energy|Patient|Legal|Tax
""")
SKILL_TAILS = _barred("""
    Analysis|Management|Modeling|Planning|Strategy|Design|Development|Research|Training|Writing|Negotiation|
    Forecasting|Reporting|Testing|Marketing|Operations|Compliance|Architecture|Visualization|Support|Governance|
    Automation|Auditing|Relations|Learning|Security|Optimization|Leadership
""")
PLAIN_SKILLS = _barred(r"""
    Python|Java|C++|C#|SQL|R|Excel|PowerPoint|Word|Photoshop|AutoCAD|SolidWorks|MATLAB|SAP|Salesforce|Tableau|
    Linux|Git|Docker|Kubernetes|Spanish|French|German|Mandarin|CPR|Welding|Cooking|Photography|Public Speaking|
    Teamwork|Leadership|Coaching|Fran\u00e7ais|R\u0026D|日本語|\"Lean\" Six Sigma|Español|UI\/UX|
    \ud83c\udfa8 Painting|Problem Solving|Time Management|C:\\ scripting|Übersetzung|Bookkeeping|QuickBooks|
    Nursing|Phlebotomy|Forklift|Carpentry|HVAC|Cash Handling
""")

JOB_LEVELS = ("Entry", "Staff", "Manager", "Director", "VP", "C-Level")
JOB_FUNCTIONS = (
    "Administration", "Consulting", "Customer Service", "Design", "Education", "Engineering", "Finance", "Healthcare",
    "Human Resources", "Information Technology", "Legal", "Marketing", "Operations", "Research", "Sales",
)  # fmt: skip
COMPANY_SIZES = ("1-10", "11-50", "51-200", "201-500", "501-1000", "1001-5000", "5001-10000", "10001+")
COMPANY_REVENUES = ("<$1M", "$1M-$10M", "$10M-$50M", "$50M-$100M", "$100M-$500M", "$500M-$1B", "$1B-$10B", ">$10B")
COMPENSATIONS = (
    "<20,000", "20,000-25,000", "25,000-35,000", "35,000-45,000", "45,000-55,000", "55,000-70,000", "70,000-85,000",
    "85,000-100,000", "100,000-150,000", "150,000-250,000", ">250,000",
)  # fmt: skip
INDUSTRIES = (
    "Accounting", "Aerospace", "Agriculture", "Apparel & Fashion", "Architecture & Planning", "Automotive", "Aviation",
    "Banking", "Biotechnology", "Chemicals", "Civil Engineering", "Computer Games", "Computer Software", "Construction",
    "Consumer Goods", "Defense & Space", "Design", "E-Learning", "Education Management", "Electronics", "Entertainment",
    "Farming", "Financial Services", "Food & Beverages", "Government Administration", "Higher Education",
    "Hospital & Health Care", "Hospitality", "Human Resources", "Information Technology", "Insurance", "Internet",
    "Law Practice", "Logistics", "Marketing & Advertising", "Mechanical Engineering", "Media Production",
    "Mining & Metals",
    "Non-Profit", "Oil & Energy", "Pharmaceuticals", "Public Safety", "Real Estate", "Religious Institutions",
    "Restaurants",
    "Retail", "Telecommunications", "Transportation", "Utilities", "Wholesale",
)  # fmt: skip
MAIL_DOMAINS = (
    "mail.example",
    "post.example.org",
    "inbox.example.net",
    "letters.example.com",
    "pm.example",
    "box.example.org",
)

# Text that stands where a date should, and that no reader should take for one.
JUNK_DATES = (
    "unknown", "0000-00", "0000-00-00", "1800-01", "2999-12", "2999-12-31", "n/a", "present", "2015-13", "12/2009", "",
    "31.12.2011", "1800-01-01", "-", "Spring 2004", "20-05", "١٩٩٩-٠١",
)  # fmt: skip
# Days that look like dates and are not in any calendar; only in columns that are read as full dates.
JUNK_DAYS = (*JUNK_DATES, "2019-02-30", "2021-00-10", "2020-06-31")


@dataclass(frozen=True)
class Grouped:
    """Texts in groups (degrees by level, titles by seniority): group k is texts[first[k] : first[k] + size[k]]."""

    texts: pa.StringArray
    first: Ints
    size: Ints


def _grouped(groups: list[list[str]]) -> Grouped:
    size = np.array([len(group) for group in groups], dtype=np.int32)
    first = np.concatenate([[0], np.cumsum(size)[:-1]]).astype(np.int32)
    return Grouped(pa.array([text for group in groups for text in group], pa.string()), first, size)


def _some(texts: Sequence[str], keep: int) -> list[str]:
    """`keep` of the texts, evenly spaced (all, if there are no more)."""
    return [texts[i * len(texts) // keep] for i in range(keep)] if keep < len(texts) else list(texts)


@lru_cache(maxsize=1)
def company_heads() -> pa.StringArray:
    """First words of company names as they stand between JSON quotes (escapes included); one in 200 is odd."""
    brands = ["".join(parts) for parts in itertools.product(*SYLLABLES)]
    double = [f"{town} {place}" for town in towns() for place in PLACES]
    return pa.array([*_some(brands, 90_000), *_some(double, 40_000), *towns() * 3, *ODD_COMPANIES * 40], pa.string())


@lru_cache(maxsize=1)
def company_endings() -> pa.StringArray:
    """What follows: a trade or two and a form of company."""
    pairs = [f"{a} & {b}" for a, b in itertools.combinations(TRADES, 2)]
    return pa.array([f"{trade}{suffix}" for trade in [*TRADES * 9, *pairs[::5]] for suffix in SUFFIXES], pa.string())


def towns() -> list[str]:
    """Names of towns that are not on any map, or should not be."""
    return [stem + ending for stem in TOWN_STEMS for ending in TOWN_ENDINGS]


@lru_cache(maxsize=1)
def last_names() -> pa.StringArray:
    """Family names in small letters: common ones, and 3,000 made up."""
    made = [stem + ending for stem in FAMILY_STEMS for ending in FAMILY_ENDINGS]
    return pa.array([*LAST_NAMES * 6, *made], pa.string())


@lru_cache(maxsize=1)
def schools() -> pa.StringArray:
    """School names as they stand between JSON quotes."""
    return pa.array(_some([form.format(p) for form in SCHOOL_FORMS for p in [*PLACES, *towns()]], 40_000), pa.string())


@lru_cache(maxsize=1)
def degrees() -> Grouped:
    """Degrees by level of `EDUCATION_LEVELS`, as they stand between JSON quotes."""
    fields = [*FIELDS, *(f"{a} and {b}" for a, b in list(itertools.combinations(FIELDS, 2))[::20])]
    return _grouped([_filled(forms, FIELDS if level == 1 else fields) for level, forms in enumerate(DEGREE_FORMS)])


@lru_cache(maxsize=1)
def titles() -> Grouped:
    """Titles by seniority 0 to 7."""
    return _grouped([_filled(forms, ROLES) for forms in TITLE_FORMS])


@lru_cache(maxsize=1)
def skills() -> pa.StringArray:
    """Skills with their JSON quotes."""
    pairs = [f"{head} {tail}" for head in SKILL_HEADS for tail in SKILL_TAILS]
    of_fields = [f"{field} {tail}" for field in FIELDS for tail in SKILL_TAILS]
    return pa.array([f'"{skill}"' for skill in [*pairs, *of_fields, *PLAIN_SKILLS * 20]], pa.string())


@lru_cache(maxsize=1)
def teams() -> pa.StringArray:
    """What may follow a title in a job: nothing in one of three, else a team or a town."""
    some = [f", {head} {tail}" for head in SKILL_HEADS for tail in SKILL_TAILS] + [f" ({p})" for p in PLACES]
    return pa.array([*[""] * (len(some) // 2), *some], pa.string())


@lru_cache(maxsize=1)
def domains() -> pa.StringArray:
    """Domains of work addresses, all below the reserved `.example`."""
    pairs = itertools.islice(itertools.product([*PLACES, *towns()], TRADES), 0, None, 11)
    return pa.array([f"{a}-{b}.example".lower() for a, b in pairs], pa.string())


def _filled(forms: tuple[str, ...], words: list[str]) -> list[str]:
    """Each form with each word, once (a form without a place for a word counts once)."""
    return list(dict.fromkeys(form.format(word) for form in forms for word in words))
